//! Content of mails to users about their own accounts.

use time::OffsetDateTime;

use super::outgoing::Recipient;
use crate::domain::{Locale, Secret};

/// Mail to a user about their own account.
#[derive(Clone, Debug)]
pub struct NoticeMail {
    /// Value of the Message-ID header, `<uuid@domain>`. It is the same for every attempt.
    pub message_id: String,
    /// Recipient. The text addresses the user by `name`.
    pub to: Recipient,
    /// Language of subject and body.
    pub locale: Locale,
    /// Content of the mail.
    pub words: NoticeWords,
    /// Value of the Date header.
    pub date: OffsetDateTime,
    /// The year in the issuer's time zone, for the mail's end.
    pub year: i32,
}

/// Content of an account mail.
#[derive(Clone, Debug)]
pub enum NoticeWords {
    /// Link with which the user sets a new password.
    PasswordReset {
        /// Page on which the new password is set, an `http` or `https` URL. Anyone who has the link
        /// can set the password.
        link: Secret,
        /// Validity of the link in minutes.
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
