//! Mail templates: subject, plain text and HTML in each language, embedded in the program.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context, syntax::SyntaxConfig};
use time::UtcOffset;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::notice::{NoticeMail, NoticeWords};
use super::outgoing::MailVariables;
use crate::domain::Locale;

/// Returns the name and the source of one account mail template, for a folder, a language and a
/// file extension.
macro_rules! notice {
    ($folder:literal, $language:literal, $ending:literal) => {
        (
            concat!($folder, "/", $language, ".", $ending),
            include_str!(concat!(
                "../../templates/mail/",
                $folder,
                "/",
                $language,
                ".",
                $ending,
                ".j2"
            )),
        )
    };
}

/// Name and source of every template. The extension in the name determines the escaping of values.
const SOURCES: [(&str, &str); 19] = [
    (
        "en.subject.txt",
        include_str!("../../templates/mail/certificate/en.subject.txt.j2"),
    ),
    (
        "en.txt",
        include_str!("../../templates/mail/certificate/en.txt.j2"),
    ),
    (
        "en.html",
        include_str!("../../templates/mail/certificate/en.html.j2"),
    ),
    (
        "es.subject.txt",
        include_str!("../../templates/mail/certificate/es.subject.txt.j2"),
    ),
    (
        "es.txt",
        include_str!("../../templates/mail/certificate/es.txt.j2"),
    ),
    (
        "es.html",
        include_str!("../../templates/mail/certificate/es.html.j2"),
    ),
    (
        "notice.html",
        include_str!("../../templates/mail/notice.html.j2"),
    ),
    notice!("password_reset", "en", "subject.txt"),
    notice!("password_reset", "en", "txt"),
    notice!("password_reset", "en", "html"),
    notice!("password_reset", "es", "subject.txt"),
    notice!("password_reset", "es", "txt"),
    notice!("password_reset", "es", "html"),
    notice!("password_changed", "en", "subject.txt"),
    notice!("password_changed", "en", "txt"),
    notice!("password_changed", "en", "html"),
    notice!("password_changed", "es", "subject.txt"),
    notice!("password_changed", "es", "txt"),
    notice!("password_changed", "es", "html"),
];

/// Format of times in mails. It is the same in every language.
const MOMENT: &[BorrowedFormatItem] =
    format_description!("[year]-[month]-[day] [hour]:[minute] UTC");

/// Maximum length of a subject in characters. Longer subjects are cut off.
const MAX_SUBJECT_CHARS: usize = 200;

/// Rendered texts of one mail.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Texts {
    /// Single line without control characters.
    pub(super) subject: String,
    pub(super) plain: String,
    pub(super) html: String,
}

/// Parsed templates.
#[derive(Debug)]
pub(super) struct Templates(Environment<'static>);

impl Templates {
    /// Parses all templates.
    pub(super) fn new() -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            if name.ends_with(".html") {
                AutoEscape::Html
            } else {
                AutoEscape::None
            }
        });
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()?,
        );
        for (name, source) in SOURCES {
            environment.add_template(name, source)?;
        }
        Ok(Self(environment))
    }

    /// Renders the subject and the bodies in one language.
    pub(super) fn render(
        &self,
        locale: Locale,
        variables: &MailVariables,
    ) -> Result<Texts, minijinja::Error> {
        let language = locale.as_str();
        let values = context! {
            attendee_name => variables.attendee_name.reveal_str(),
            certificate_name => &variables.certificate_name,
            event_name => &variables.event_name,
            event_link => &variables.event_link,
            download_link => &variables.download_link,
            verification_link => &variables.verification_link,
            year => variables.year,
            client => &variables.client,
        };
        self.texts(language, &values)
    }

    /// Renders a mail to a user about the user's account.
    pub(super) fn notice(
        &self,
        mail: &NoticeMail,
        sender: &str,
    ) -> Result<Texts, minijinja::Error> {
        let language = mail.locale.as_str();
        let name = mail.to.name.reveal_str();
        let year = mail.year;
        let values = match &mail.words {
            NoticeWords::PasswordReset { link, minutes } => {
                context! { language, name, sender, year, link => link.reveal(), minutes }
            }
            NoticeWords::PasswordChanged { at } => {
                let at = at
                    .to_offset(UtcOffset::UTC)
                    .format(MOMENT)
                    .unwrap_or_default();
                context! { language, name, sender, year, at }
            }
        };
        self.texts(&format!("{}/{language}", mail.words.folder()), &values)
    }

    fn texts(&self, name: &str, values: &Value) -> Result<Texts, minijinja::Error> {
        let render = |file: &str| {
            self.0
                .get_template(&format!("{name}.{file}"))?
                .render(values)
        };
        Ok(Texts {
            subject: one_line(&render("subject.txt")?),
            plain: render("txt")?,
            // minijinja also escapes slashes. HTML doesn't need that, and some link scanners can't
            // read it.
            html: render("html")?.replace("&#x2f;", "/"),
        })
    }
}

/// Replaces each run of white space and control characters with one space, because a header value
/// must be one line. Cuts the result to [`MAX_SUBJECT_CHARS`].
fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_SUBJECT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    use super::super::outgoing::Recipient;
    use crate::domain::{Personal, Secret};

    fn sample() -> MailVariables {
        MailVariables {
            attendee_name: Personal::new("José Muñoz & Söhne <jr>".to_owned()),
            certificate_name: "Rust for \"Analysts\"".to_owned(),
            event_name: "Winter School 2026".to_owned(),
            event_link: Some("https://events.example.org/winter?a=1&b=2".to_owned()),
            download_link: "https://certificates.example.org/certificate/3kTMd9/download"
                .to_owned(),
            verification_link: "https://certificates.example.org/certificate/3kTMd9".to_owned(),
            year: 2026,
            client: "Example Academy".to_owned(),
        }
    }

    #[test]
    fn every_template_renders_in_every_language() {
        let templates = Templates::new().expect("the templates parse");
        for (locale, name) in [(Locale::En, "en"), (Locale::Es, "es")] {
            let texts = templates.render(locale, &sample()).expect(name);
            insta::assert_snapshot!(format!("certificate_{name}_subject"), texts.subject);
            insta::assert_snapshot!(format!("certificate_{name}_plain"), texts.plain);
            insta::assert_snapshot!(format!("certificate_{name}_html"), texts.html);
        }
    }

    #[test]
    fn notices_render_in_every_language() {
        let templates = Templates::new().expect("the templates parse");
        let link = "https://certificates.example.org/reset-password#token=7f6c.5f70";
        let at = datetime!(2026-11-21 12:34:56 UTC);
        for words in [
            NoticeWords::PasswordReset {
                link: Secret::new(link),
                minutes: 29,
            },
            NoticeWords::PasswordChanged { at },
        ] {
            for locale in Locale::ALL {
                let name = format!("{}_{locale}", words.folder());
                let name_of = "José <jr>".to_owned();
                let address = "jose@example.com".to_owned();
                let to = Recipient {
                    name: name_of.into(),
                    address: address.into(),
                };
                let mail = NoticeMail {
                    message_id: String::new(),
                    to,
                    locale,
                    words: words.clone(),
                    date: at,
                    year: at.year(),
                };
                let texts = templates.notice(&mail, "Example Academy").expect("renders");
                insta::assert_snapshot!(format!("{name}_subject"), texts.subject);
                insta::assert_snapshot!(format!("{name}_plain"), texts.plain);
                insta::assert_snapshot!(format!("{name}_html"), texts.html);
            }
        }
    }

    #[test]
    fn paragraph_of_a_missing_event_link_is_omitted() {
        let templates = Templates::new().expect("the templates parse");
        let variables = MailVariables {
            event_link: None,
            ..sample()
        };
        for locale in [Locale::En, Locale::Es] {
            let with = templates.render(locale, &sample()).expect("renders");
            let without = templates.render(locale, &variables).expect("renders");
            assert!(
                with.plain.contains("events.example.org")
                    && with.html.contains("events.example.org")
            );
            assert!(
                !without.plain.contains("event:") && !without.plain.contains("evento:"),
                "{}",
                without.plain
            );
            assert!(
                !without.html.contains("about the event")
                    && !without.html.contains("sobre el evento")
            );
            assert!(!without.plain.contains("\n\n\n"), "{}", without.plain);
        }
    }

    #[test]
    fn values_are_escaped_in_html_and_only_there() {
        let texts = Templates::new()
            .expect("the templates parse")
            .render(Locale::En, &sample())
            .expect("renders");
        assert!(
            texts.html.contains("José Muñoz &amp; Söhne &lt;jr&gt;"),
            "{}",
            texts.html
        );
        assert!(
            texts.plain.contains("José Muñoz & Söhne <jr>"),
            "{}",
            texts.plain
        );
        assert_eq!(texts.subject, "Your certificate: Rust for \"Analysts\"");
    }

    #[test]
    fn subject_is_a_single_line_of_limited_length() {
        let certificate_name = format!("A\r\nBcc: everyone@example.org\t{}", "x".repeat(500));
        let variables = MailVariables {
            certificate_name,
            ..sample()
        };
        let texts = Templates::new()
            .expect("the templates parse")
            .render(Locale::En, &variables)
            .expect("renders");
        assert!(
            texts
                .subject
                .starts_with("Your certificate: A Bcc: everyone@example.org xxx")
        );
        assert_eq!(texts.subject.chars().count(), MAX_SUBJECT_CHARS);
    }
}
