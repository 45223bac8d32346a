//! Mails about certificates, the outcome of sending them, and the interface of mail providers.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use time::OffsetDateTime;

use super::notice::NoticeMail;
use crate::domain::{Locale, Personal};

/// Recipient of a mail.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Display name for the To header.
    pub name: Personal<String>,
    /// E-mail address, `local@domain`.
    pub address: Personal<String>,
}

/// Values for the mail templates.
#[derive(Clone, Debug)]
pub struct MailVariables {
    /// Full name of the person who earned the certificate.
    pub attendee_name: Personal<String>,
    /// Name of the certificate.
    pub certificate_name: String,
    /// Name of the event.
    pub event_name: String,
    /// Page about the event, as `http` or `https` URL.
    pub event_link: Option<String>,
    /// `http` or `https` URL from which the PDF can be downloaded without login.
    pub download_link: String,
    /// Verification page of the certificate, as `http` or `https` URL.
    pub verification_link: String,
    /// Year in the footer.
    pub year: i32,
    /// Organization that issues the certificate.
    pub client: String,
}

/// File attached to a mail.
#[derive(Clone)]
pub struct Attachment {
    /// File name of the attachment; see
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

/// Mail about one issuance.
#[derive(Clone, Debug)]
pub struct OutgoingMail {
    /// Value of the Message-ID header, `<uuid@domain>`. It is the same in every attempt, so that
    /// duplicates can be recognised.
    pub message_id: String,
    /// Recipient.
    pub to: Recipient,
    /// Language of the subject and the body.
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
/// The texts are replies of the mail server, as one line of at most 2,000 characters. `<recipient>`
/// replaces the recipient's address, but a reply may still identify the person in another way. So
/// store the texts in events as [`Personal`], and don't log them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The server has accepted the mail and is responsible for it.
    Accepted {
        /// Code, enhanced status code and text of the server's reply.
        answer: String,
    },
    /// The server has not accepted the mail. A later attempt may succeed.
    Temporary {
        /// The server's reply, or the reason why there is none.
        answer: String,
    },
    /// The server has not accepted the mail and gave no answer about it: it could not be reached,
    /// closed the connection, or announced that (421).
    Unanswered {
        /// Description of the failure.
        detail: String,
    },
    /// The server has not accepted the mail and will never accept the same content.
    Permanent {
        /// The server's reply, or the part of the mail that can't be sent.
        answer: String,
    },
    /// The server may have accepted the mail, but its reply could not be read. Another attempt may
    /// deliver the mail twice.
    Unknown {
        /// Description of the failure.
        detail: String,
    },
}

impl SendOutcome {
    /// Returns the label in metrics.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "sent",
            Self::Temporary { .. } => "temporary",
            Self::Unanswered { .. } => "unanswered",
            Self::Permanent { .. } => "permanent",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// Properties of a mail server, determined while connecting.
#[derive(Clone, Debug)]
pub struct ServerSeen {
    /// Host name in the greeting.
    pub name: String,
    /// True if the connection is encrypted.
    pub is_encrypted: bool,
    /// True if the connection is logged in.
    pub logged_in: bool,
    /// True if the server supports non-ASCII addresses (SMTPUTF8, RFC 6531).
    pub takes_utf8_addresses: bool,
}

/// Error: the mail server is currently not available.
#[derive(Debug, thiserror::Error)]
#[error("the mail server is not usable: {0}")]
pub struct Unavailable(pub String);

/// Mail for a provider.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// Mail about one issuance.
    Certificate(Box<OutgoingMail>),
    /// Mail to a user about the user's account. It never waits for mails about issuances.
    Notice(NoticeMail),
}

/// State of a dialogue before the content of the mail is sent.
pub enum Begun {
    /// The server has accepted the recipient. If the handover is dropped, the mail is not sent.
    Accepted(Box<dyn Handover>),
    /// The server, or a check before the dialogue, rejected the mail.
    Refused {
        /// True if the same mail will never be accepted.
        permanent: bool,
        /// The server's reply, or the part of the mail that can't be sent. See [`SendOutcome`].
        answer: String,
    },
    /// The server closed the connection or gave no answer, although the connection was new.
    Unanswered {
        /// Description of the failure. See [`SendOutcome`].
        detail: String,
    },
    /// The server takes long to answer about other mails to the recipient's domain. The mail should
    /// be sent later, so that mails to other domains don't wait.
    Busy,
}

/// Open dialogue in which the server has accepted the recipient of a mail.
pub trait Handover: Send {
    /// Sends the content of the mail. If the future is dropped, the outcome is unknown.
    fn send(self: Box<Self>) -> BoxFuture<'static, SendOutcome>;
}

/// Service that sends mails.
pub trait MailProvider: Send + Sync {
    /// Returns a short name for logs and metrics, for example `smtp`.
    fn name(&self) -> &'static str;

    /// Waits for a free connection and begins a dialogue about the mail. If the future is dropped,
    /// the mail is not sent.
    ///
    /// # Errors
    /// The server can't be reached, or it rejects the connection. This doesn't depend on the mail.
    fn begin<'a>(&'a self, mail: &'a Outgoing) -> BoxFuture<'a, Result<Begun, Unavailable>>;

    /// Returns true if [`Self::begin`] would return [`Begun::Busy`] for a mail about an issuance to
    /// this address.
    fn is_busy(&self, _address: &Personal<String>) -> bool {
        false
    }

    /// Checks that the provider responds and accepts the credentials. Sends no mail.
    fn check(&self) -> BoxFuture<'_, Result<(), Unavailable>>;

    /// Checks that the provider lets a mail begin. Sends no mail. Providers limit how often this may
    /// happen, so health uses [`Self::check`].
    fn probe(&self) -> BoxFuture<'_, Result<(), Unavailable>>;
}

impl dyn MailProvider {
    /// Makes one attempt to send a mail, without a claim between its beginning and its content.
    pub async fn send(&self, mail: &Outgoing) -> SendOutcome {
        match self.begin(mail).await {
            Ok(begun) => begun.finish().await,
            Err(Unavailable(detail)) => SendOutcome::Unanswered { detail },
        }
    }
}

impl Begun {
    /// Sends the content of the mail if the server has accepted the recipient.
    pub(super) async fn finish(self) -> SendOutcome {
        match self {
            Self::Accepted(handover) => handover.send().await,
            Self::Refused {
                permanent: true,
                answer,
            } => SendOutcome::Permanent { answer },
            Self::Refused { answer, .. } => SendOutcome::Temporary { answer },
            Self::Unanswered { detail } => SendOutcome::Unanswered { detail },
            Self::Busy => SendOutcome::Temporary {
                answer: "the mail server takes long to answer about this domain".to_owned(),
            },
        }
    }
}
