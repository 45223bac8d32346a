//! Content of mails to users about their accounts.

use time::OffsetDateTime;

use super::outgoing::Recipient;
use crate::domain::{Locale, Secret};

/// Mail to a user about the user's account.
#[derive(Clone, Debug)]
pub struct NoticeMail {
    /// Value of the Message-ID header, `<uuid@domain>`. It is the same in every attempt.
    pub message_id: String,
    /// Recipient. `name` is used in the salutation.
    pub to: Recipient,
    /// Language of the subject and the body.
    pub locale: Locale,
    /// Content of the mail.
    pub words: NoticeWords,
    /// Value of the Date header.
    pub date: OffsetDateTime,
    /// Current year in the issuer's time zone, for the footer.
    pub year: i32,
}

/// Content of an account mail.
#[derive(Clone, Debug)]
pub enum NoticeWords {
    /// Mail with a link to set a new password.
    PasswordReset {
        /// Page where the user sets a new password, as `http` or `https` URL. Everyone who has the
        /// link can set the password.
        link: Secret,
        /// Time in minutes for which the link is valid.
        minutes: i64,
    },
    /// Confirmation that the password was changed.
    PasswordChanged {
        /// Time of the change.
        at: OffsetDateTime,
    },
}

impl NoticeWords {
    /// Returns the folder of the mail's templates.
    pub(super) const fn folder(&self) -> &'static str {
        match self {
            Self::PasswordReset { .. } => "password_reset",
            Self::PasswordChanged { .. } => "password_changed",
        }
    }
}
