//! Mails about certificates, the outcome of sending them, and the interface of mail providers.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use time::OffsetDateTime;

use super::notice::NoticeMail;
use crate::domain::{Locale, Personal};

/// Recipient of a mail.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Display name, as in the To header.
    pub name: Personal<String>,
    /// E-mail address, `local@domain`.
    pub address: Personal<String>,
}

/// Values for the mail's templates.
#[derive(Clone, Debug)]
pub struct MailVariables {
    /// Full name of the person who earned the certificate.
    pub attendee_name: Personal<String>,
    /// Name of the certificate.
    pub certificate_name: String,
    /// Name of the event.
    pub event_name: String,
    /// Page of the event, an `http` or `https` URL.
    pub event_link: Option<String>,
    /// Address at which the PDF can be downloaded without log-in, an `http` or `https` URL.
    pub download_link: String,
    /// Verification page of the certificate, an `http` or `https` URL.
    pub verification_link: String,
    /// Year shown in the footer.
    pub year: i32,
    /// Organisation on whose behalf the certificate is issued.
    pub client: String,
}

/// File attached to a mail.
#[derive(Clone)]
pub struct Attachment {
    /// File name for the recipient; see
    /// [`attachment_file_name`](crate::domain::certification::file_name::attachment_file_name).
    pub file_name: Personal<String>,
    /// Content of the PDF.
    pub bytes: Bytes,
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachment")
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Mail about one issued certificate.
#[derive(Clone, Debug)]
pub struct OutgoingMail {
    /// Value of the Message-ID header, `<uuid@domain>`. It is the same for every attempt, so that a
    /// mail that was sent twice can be recognised.
    pub message_id: String,
    /// Recipient.
    pub to: Recipient,
    /// Language of subject and body.
    pub locale: Locale,
    /// Values for the templates.
    pub variables: MailVariables,
    /// PDF of the certificate.
    pub attachment: Attachment,
    /// Value of the Date header.
    pub date: OffsetDateTime,
}

/// Outcome of one attempt to send a mail.
///
/// The texts are the mail server's replies, on one line of at most 2,000 characters. The
/// recipient's address is replaced by `<recipient>`. A reply may still identify the person in
/// another way. Therefore, store the texts in events as [`Personal`] and don't log them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The server has accepted responsibility for the mail.
    Accepted {
        /// Code, enhanced status code and text of the server's reply.
        answer: String,
    },
    /// The server has not accepted the mail. A later attempt may succeed.
    Temporary {
        /// The server's reply, or the reason why there is none.
        answer: String,
    },
    /// The server has not accepted the mail, and will not accept the same content later.
    Permanent {
        /// The server's reply, or the part of the mail that can't be sent.
        answer: String,
    },
    /// The server may have accepted the mail, but no reply was read. Sending it again may deliver
    /// it twice.
    Unknown {
        /// Description of the failure.
        detail: String,
    },
}

/// Properties of a mail server, determined when the mailer connects.
#[derive(Clone, Debug)]
pub struct ServerSeen {
    /// Host name from the greeting.
    pub name: String,
    /// True if the connection is encrypted.
    pub is_encrypted: bool,
    /// True if the mailer has logged in.
    pub logged_in: bool,
    /// True if the server accepts non-ASCII addresses (SMTPUTF8, RFC 6531).
    pub takes_utf8_addresses: bool,
}

/// Error for a mail server that currently can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the mail server is not usable: {0}")]
pub struct Unavailable(pub String);

/// Service that sends mails.
pub trait MailProvider: Send + Sync {
    /// Returns a short name for logs and metrics, such as `smtp`.
    fn name(&self) -> &'static str;

    /// Makes one attempt to send the mail. If the future is dropped, the outcome is unknown.
    fn send<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, SendOutcome>;

    /// Makes one attempt to send a mail to a user about their own account.
    fn send_notice<'a>(&'a self, mail: &'a NoticeMail) -> BoxFuture<'a, SendOutcome>;

    /// Checks that the provider can be reached and accepts the credentials. Sends nothing.
    fn check(&self) -> BoxFuture<'_, Result<(), Unavailable>>;
}
