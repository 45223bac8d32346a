//! Pages without a certificate: the form for entering a number, and error pages for browsers.

use axum::response::Html;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::notice_words::{Says, words};
use crate::domain::Locale;
use crate::http::api::public::pages::render;
use crate::http::{ApiError, ErrorCode, HttpState};

const TEMPLATE: &str = include_str!("notice.html");
/// Largest number of characters of a typed number that the page repeats.
const MAX_TYPED: usize = 300;

/// Values on the page in addition to its texts.
#[derive(Serialize)]
pub struct Notice {
    #[serde(skip)]
    says: Says,
    /// CSS class of the heading: `problem`, `wrong` or none.
    mood: Option<&'static str>,
    /// Time in seconds after which the visitor can try again.
    #[serde(skip)]
    wait: Option<u64>,
    /// Target path of the form, if the page has a form.
    form: Option<String>,
    /// Number that the visitor has typed.
    typed: String,
    /// True if the form keeps the language that the visitor has chosen.
    keeps_lang: bool,
    /// Path of the certificate's page, if that page has more information.
    link: Option<String>,
    /// Id of the request, if the operator needs it to find the error in the log.
    reference: Option<String>,
    /// Query of the link to the same page in another language, without the language itself.
    other_query: String,
}

impl Notice {
    /// Returns the page with the form for entering a number.
    pub(super) fn form(http: &HttpState, keeps_lang: bool) -> Self {
        let form = Some(http.public_path("/verify"));
        Self {
            form,
            keeps_lang,
            ..Self::plain(Says::Enter)
        }
    }

    /// Returns the page for an error at `path`. `number` is the number that was typed, `wait` is in
    /// seconds.
    pub fn of_error(
        http: &HttpState,
        code: ErrorCode,
        path: &str,
        number: Option<&str>,
        wait: Option<u64>,
        request_id: &str,
    ) -> Self {
        let is_certificate = path.starts_with("/certificate/") || path == "/verify";
        let says = Says::of_error(code, is_certificate);
        let has_form = matches!(says, Says::NotIssued | Says::Mistyped | Says::NoPage);
        let typed: String = number.unwrap_or_default().chars().take(MAX_TYPED).collect();
        let other_query = match number {
            Some(_) => format!("?number={}&", utf8_percent_encode(&typed, NON_ALPHANUMERIC)),
            None => "?".to_owned(),
        };
        Self {
            mood: Some(if matches!(says, Says::Revoked | Says::NotIssued) {
                "wrong"
            } else {
                "problem"
            }),
            wait,
            form: has_form.then(|| http.public_path("/verify")),
            typed,
            link: path
                .strip_suffix("/download")
                .filter(|_| says == Says::Revoked)
                .map(|page| http.public_path(page)),
            reference: (says == Says::Broken).then(|| request_id.to_owned()),
            other_query,
            ..Self::plain(says)
        }
    }

    fn plain(says: Says) -> Self {
        Self {
            says,
            mood: None,
            wait: None,
            form: None,
            typed: String::new(),
            keeps_lang: false,
            link: None,
            reference: None,
            other_query: "?".to_owned(),
        }
    }
}

/// Renders the page in a language.
///
/// # Errors
/// The template is invalid.
pub fn page(notice: &Notice, locale: Locale) -> Result<Html<String>, ApiError> {
    #[derive(Serialize)]
    struct Page<'n, T> {
        lang: &'static str,
        heading: &'static str,
        text: String,
        n: &'n Notice,
        t: T,
    }
    let (heading, text) = notice.says.in_locale(locale, notice.wait);
    render(
        TEMPLATE,
        &Page {
            lang: locale.as_str(),
            heading,
            text,
            n: notice,
            t: words(locale),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<(&'static str, Notice)> {
        let form = || Some("/verify".to_owned());
        let with_form = |says, mood, typed: &str| Notice {
            form: form(),
            mood,
            typed: typed.to_owned(),
            ..Notice::plain(says)
        };
        vec![
            ("enter", with_form(Says::Enter, None, "")),
            (
                "not_issued",
                with_form(Says::NotIssued, Some("wrong"), "<script>\""),
            ),
            (
                "mistyped",
                with_form(Says::Mistyped, Some("problem"), "0H8K"),
            ),
            ("no_page", with_form(Says::NoPage, Some("problem"), "")),
            (
                "revoked",
                Notice {
                    mood: Some("wrong"),
                    link: form(),
                    ..Notice::plain(Says::Revoked)
                },
            ),
            (
                "prepared",
                Notice {
                    mood: Some("problem"),
                    ..Notice::plain(Says::Prepared)
                },
            ),
            (
                "too_often",
                Notice {
                    mood: Some("problem"),
                    wait: Some(42),
                    ..Notice::plain(Says::TooOften)
                },
            ),
            (
                "busy",
                Notice {
                    mood: Some("problem"),
                    wait: Some(1),
                    ..Notice::plain(Says::Busy)
                },
            ),
            (
                "refused",
                Notice {
                    mood: Some("problem"),
                    ..Notice::plain(Says::Refused)
                },
            ),
            (
                "broken",
                Notice {
                    reference: Some("r-1".to_owned()),
                    ..Notice::plain(Says::Broken)
                },
            ),
        ]
    }

    #[test]
    fn every_notice_renders_in_both_languages_without_scripts() {
        for locale in Locale::ALL {
            let mut shown = String::new();
            for (name, notice) in all() {
                let page = page(&notice, locale).unwrap().0;
                assert!(!page.contains("<script"), "{name}");
                let main = page
                    .split("<main>")
                    .nth(1)
                    .unwrap()
                    .split("</main>")
                    .next()
                    .unwrap();
                shown.push_str(&format!("── {name}{main}"));
            }
            insta::assert_snapshot!(format!("notices_{locale}"), shown);
        }
    }

    #[test]
    fn page_with_the_form_matches_the_snapshot() {
        insta::assert_snapshot!("enter_en", page(&all()[0].1, Locale::En).unwrap().0);
    }
}
