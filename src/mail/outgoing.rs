//! What a mail about a certificate consists of, and what can become of it.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use time::OffsetDateTime;

use super::notice::NoticeMail;
use crate::domain::{Locale, Personal};

/// The person a mail goes to.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Display name, as in the To header.
    pub name: Personal<String>,
    /// E-mail address, `local@domain`.
    pub address: Personal<String>,
}

/// The values that the mail's templates show.
#[derive(Clone, Debug)]
pub struct MailVariables {
    /// Full name of the person who earned the certificate.
    pub attendee_name: Personal<String>,
    /// What was earned.
    pub certificate_name: String,
    /// At which event.
    pub event_name: String,
    /// Page of the event, an `http` or `https` URL.
    pub event_link: Option<String>,
    /// Where the PDF can be downloaded without login, an `http` or `https` URL.
    pub download_link: String,
    /// Verification page of the certificate, an `http` or `https` URL.
    pub verification_link: String,
    /// Year shown in the footer.
    pub year: i32,
    /// The organisation on whose behalf the certificate is issued.
    pub client: String,
}

/// A file that travels with a mail.
#[derive(Clone)]
pub struct Attachment {
    /// Name of the file at the recipient; see [`super::attachment_file_name`].
    pub file_name: Personal<String>,
    /// The PDF itself.
    pub bytes: Bytes,
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachment").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// One mail about one issued certificate.
#[derive(Clone, Debug)]
pub struct OutgoingMail {
    /// The Message-ID header, `<uuid@domain>`. The same for every attempt of one mail, so that a mail
    /// sent twice can be recognised as one.
    pub message_id: String,
    /// Who it goes to.
    pub to: Recipient,
    /// Language of subject and body.
    pub locale: Locale,
    /// What the templates show.
    pub variables: MailVariables,
    /// The certificate.
    pub attachment: Attachment,
    /// The Date header.
    pub date: OffsetDateTime,
}

/// What became of a mail.
///
/// The texts are the mail server's own words, on one line of at most 2,000 characters, with the
/// recipient's address replaced by `<recipient>`. A server may still name the person in another way: the
/// texts belong into events as [`Personal`] and not into logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The server has taken responsibility for it.
    Accepted {
        /// Code, enhanced status and text of the server's answer.
        answer: String,
    },
    /// Certainly not accepted; a later attempt may succeed.
    Temporary {
        /// The server's answer, or why none came.
        answer: String,
    },
    /// Certainly not accepted; another attempt with the same content is futile.
    Permanent {
        /// The server's answer, or which part of the mail cannot be sent.
        answer: String,
    },
    /// The message may have been handed over, but no answer to it was read. Sending again may mean two mails.
    Unknown {
        /// What happened instead of an answer.
        detail: String,
    },
}

/// A mail server, as it greeted us.
#[derive(Clone, Debug)]
pub struct ServerSeen {
    /// The name that it gives itself.
    pub name: String,
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
    /// Whether we have logged in.
    pub logged_in: bool,
    /// Whether it takes addresses beyond ASCII (SMTPUTF8, RFC 6531).
    pub takes_utf8_addresses: bool,
}

/// The mail server cannot be used at the moment.
#[derive(Debug, thiserror::Error)]
#[error("the mail server is not usable: {0}")]
pub struct Unavailable(pub String);

/// A way to send mail.
pub trait MailProvider: Send + Sync {
    /// Short name for logs and metrics, such as `smtp`.
    fn name(&self) -> &'static str;

    /// Makes one attempt to send the mail. Dropping the future leaves the outcome unknown.
    fn send<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, SendOutcome>;

    /// Makes one attempt to send a mail to a user about the own account.
    fn send_notice<'a>(&'a self, mail: &'a NoticeMail) -> BoxFuture<'a, SendOutcome>;

    /// Whether the provider can be reached and accepts us; sends nothing.
    fn check(&self) -> BoxFuture<'_, Result<(), Unavailable>>;
}
