//! Builds an Internet message (RFC 5322, MIME) from an [`OutgoingMail`]. Rejects mails that can't
//! be sent.

use std::time::SystemTime;

use lettre::{
    Message,
    message::{
        Mailbox, MessageBuilder, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue},
    },
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::address::wire_address;
use super::disposition::Disposition;
use super::notice::{NoticeMail, NoticeWords};
use super::outgoing::{Attachment, OutgoingMail, Recipient};
use super::settings::{MailSettings, SettingsError};
use super::templates::Templates;
use crate::domain::certification::file_name::{ascii_file_name, safe_pdf_file_name};
use crate::domain::{Personal, web_url};

/// Maximum size of an attachment in bytes. With base64 encoding, it stays below the 25 MiB that
/// most mail servers accept.
pub const MAX_ATTACHMENT_BYTES: usize = 16 * 1024 * 1024;

/// Maximum length of a display name, an event name or another text variable, in characters.
const MAX_TEXT_CHARS: usize = 500;

/// Maximum length of a link in characters.
const MAX_LINK_CHARS: usize = 2000;

/// Reason why a mail can never be sent. The messages name the field but never contain its value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Unsendable {
    #[error(
        "the mail's field `{0}` contains line breaks or control characters; correct it and send again"
    )]
    ControlCharacters(&'static str),
    #[error("the mail's field `{0}` is longer than {1} characters; shorten it and send again")]
    TooLong(&'static str, usize),
    #[error(
        "the mail's field `to.address` is not a valid e-mail address; correct it and send again"
    )]
    Address,
    #[error("the mail's field `message_id` is not of the form <unique@domain>")]
    MessageId,
    #[error("the mail's field `{0}` is not an http or https link; correct it and send again")]
    Link(&'static str),
    #[error("the mail's field `date` is not between the years 1970 and 9999")]
    Date,
    #[error("the mail's attachment is empty")]
    EmptyAttachment,
    #[error("the mail's attachment has {0} bytes; the maximum is {MAX_ATTACHMENT_BYTES}")]
    LargeAttachment(usize),
    #[error("the mail's template cannot be rendered: {0}")]
    Template(minijinja::ErrorKind),
    #[error("the mail cannot be assembled from its parts")]
    Assembly,
}

/// From and Reply-To addresses from the settings.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    from: Mailbox,
    reply_to: Option<Mailbox>,
}

impl Sender {
    /// Reads the addresses from validated settings.
    pub(super) fn new(settings: &MailSettings) -> Result<Self, SettingsError> {
        let address = |text: &str, field| {
            wire_address(text).ok_or(SettingsError::Invalid(
                field,
                "is not a valid e-mail address",
            ))
        };
        let name = Some(settings.from_name.clone()).filter(|name| !name.trim().is_empty());
        let reply_to = settings
            .reply_to
            .as_deref()
            .map(|text| address(text, "reply_to"))
            .transpose()?;
        Ok(Self {
            from: Mailbox::new(name, address(&settings.from_address, "from_address")?),
            reply_to: reply_to.map(|address| Mailbox::new(None, address)),
        })
    }

    /// Returns the display name of the sender, or the domain if there is none.
    pub(super) fn name(&self) -> &str {
        self.from.name.as_deref().unwrap_or_else(|| self.domain())
    }

    /// Returns the From address.
    pub(super) fn address(&self) -> lettre::Address {
        self.from.email.clone()
    }

    /// Returns the domain of the From address.
    pub(super) fn domain(&self) -> &str {
        self.from.email.domain()
    }
}

/// `Auto-Submitted` header (RFC 3834 section 5). It asks automatic responders not to reply.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Builds a test mail. Its text only says that mails can be sent.
pub(super) fn test(
    sender: &Sender,
    to: &Personal<String>,
    id: Uuid,
    date: OffsetDateTime,
) -> Result<Message, Unsendable> {
    let address = wire_address(to.reveal_str()).ok_or(Unsendable::Address)?;
    Message::builder()
        .from(sender.from.clone())
        .to(Mailbox::new(None, address))
        .subject("Test mail from Laureate")
        .date(system_time(date)?)
        .message_id(Some(format!("<{id}@{}>", sender.domain())))
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN)
        .body("Laureate can send mails through this server. No answer is needed.\n".to_owned())
        .map_err(|_| Unsendable::Assembly)
}

/// Builds a mail to a user about the user's account, with text and HTML as alternatives.
pub(super) fn notice(
    sender: &Sender,
    templates: &Templates,
    mail: &NoticeMail,
) -> Result<Message, Unsendable> {
    check_text("to.name", mail.to.name.reveal_str())?;
    if let NoticeWords::PasswordReset { link, .. } = &mail.words {
        check_link("link", link.reveal())?;
    }
    check_message_id(&mail.message_id)?;
    let texts = templates
        .notice(mail, sender.name())
        .map_err(|error| Unsendable::Template(error.kind()))?;
    let bodies = MultiPart::alternative()
        .singlepart(SinglePart::plain(texts.plain))
        .singlepart(SinglePart::html(texts.html));
    head(sender, &mail.to, texts.subject, mail.date, &mail.message_id)?
        .multipart(bodies)
        .map_err(|_| Unsendable::Assembly)
}

/// Builds a certificate mail, with text and HTML as alternatives and the PDF as attachment.
pub(super) fn build(
    sender: &Sender,
    templates: &Templates,
    mail: &OutgoingMail,
) -> Result<Message, Unsendable> {
    check_texts(mail)?;
    check_message_id(&mail.message_id)?;
    let size = mail.attachment.bytes.len();
    if size == 0 {
        return Err(Unsendable::EmptyAttachment);
    }
    if size > MAX_ATTACHMENT_BYTES {
        return Err(Unsendable::LargeAttachment(size));
    }
    // Only the error's kind is used, because minijinja's full message may quote values.
    let texts = templates
        .render(mail.locale, &mail.variables)
        .map_err(|error| Unsendable::Template(error.kind()))?;

    let builder = head(sender, &mail.to, texts.subject, mail.date, &mail.message_id)?;
    let attachment = attachment(&mail.attachment)?;
    let bodies = MultiPart::alternative()
        .singlepart(SinglePart::plain(texts.plain))
        .singlepart(SinglePart::html(texts.html));
    builder
        .multipart(MultiPart::mixed().multipart(bodies).singlepart(attachment))
        .map_err(|_| Unsendable::Assembly)
}

fn attachment(attachment: &Attachment) -> Result<SinglePart, Unsendable> {
    let name = safe_pdf_file_name(attachment.file_name.reveal_str());
    // Very old mail readers only know this parameter.
    let kind = format!("application/pdf; name=\"{}\"", ascii_file_name(&name));
    let kind = ContentType::parse(&kind).map_err(|_| Unsendable::Assembly)?;
    Ok(SinglePart::builder()
        .header(Disposition::attachment(&name))
        .header(kind)
        .header(ContentTransferEncoding::Base64)
        .body(attachment.bytes.to_vec()))
}

/// Creates a message builder with the headers that all mails have.
fn head(
    sender: &Sender,
    to: &Recipient,
    subject: String,
    date: OffsetDateTime,
    message_id: &str,
) -> Result<MessageBuilder, Unsendable> {
    let builder = Message::builder()
        .from(sender.from.clone())
        .to(mailbox(to)?)
        .subject(subject)
        .date(system_time(date)?)
        .message_id(Some(message_id.to_owned()))
        .header(AutoSubmitted);
    Ok(match &sender.reply_to {
        Some(reply_to) => builder.reply_to(reply_to.clone()),
        None => builder,
    })
}

fn mailbox(to: &Recipient) -> Result<Mailbox, Unsendable> {
    let address = wire_address(to.address.reveal_str()).ok_or(Unsendable::Address)?;
    let name = to.name.reveal_str().trim();
    Ok(Mailbox::new(
        (!name.is_empty()).then(|| name.to_owned()),
        address,
    ))
}

fn check_text(field: &'static str, text: &str) -> Result<(), Unsendable> {
    if text
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
    {
        return Err(Unsendable::ControlCharacters(field));
    }
    if text.chars().count() > MAX_TEXT_CHARS {
        return Err(Unsendable::TooLong(field, MAX_TEXT_CHARS));
    }
    Ok(())
}

/// Rejects control characters and texts that are too long. lettre panics if a display name has line
/// breaks.
fn check_texts(mail: &OutgoingMail) -> Result<(), Unsendable> {
    let variables = &mail.variables;
    for (field, text) in [
        ("to.name", mail.to.name.reveal_str()),
        ("attendee_name", variables.attendee_name.reveal_str()),
        ("certificate_name", &variables.certificate_name),
        ("event_name", &variables.event_name),
        ("client", &variables.client),
        (
            "attachment.file_name",
            mail.attachment.file_name.reveal_str(),
        ),
    ] {
        check_text(field, text)?;
    }
    check_link("download_link", &variables.download_link)?;
    check_link("verification_link", &variables.verification_link)?;
    variables
        .event_link
        .as_deref()
        .map_or(Ok(()), |link| check_link("event_link", link))
}

/// Rejects links that are not `http` or `https` URLs.
fn check_link(field: &'static str, link: &str) -> Result<(), Unsendable> {
    if link.chars().count() > MAX_LINK_CHARS {
        return Err(Unsendable::TooLong(field, MAX_LINK_CHARS));
    }
    if web_url(link).is_none() {
        return Err(Unsendable::Link(field));
    }
    Ok(())
}

/// Checks a Message-ID. Accepts the common subset of RFC 5322 section 3.6.4: `<`, atom characters,
/// `@`, domain characters, `>`.
fn check_message_id(id: &str) -> Result<(), Unsendable> {
    let inner = id
        .strip_prefix('<')
        .and_then(|id| id.strip_suffix('>'))
        .ok_or(Unsendable::MessageId)?;
    let (left, right) = inner.split_once('@').ok_or(Unsendable::MessageId)?;
    let fits = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'+'))
    };
    if fits(left) && fits(right) && id.len() <= 250 {
        Ok(())
    } else {
        Err(Unsendable::MessageId)
    }
}

/// Converts a date. Rejects years before 1970 or after 9999, because lettre's Date header panics
/// for them.
fn system_time(date: OffsetDateTime) -> Result<SystemTime, Unsendable> {
    if (1970..=9999).contains(&date.to_offset(time::UtcOffset::UTC).year()) {
        Ok(date.into())
    } else {
        Err(Unsendable::Date)
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
