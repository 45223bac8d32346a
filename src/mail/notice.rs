//! Mails to users about their own accounts: what they consist of.

use time::OffsetDateTime;

use super::outgoing::Recipient;
use crate::domain::{Locale, Secret};

/// One mail to a user about the own account.
#[derive(Clone, Debug)]
pub struct NoticeMail {
    /// The Message-ID header, `<uuid@domain>`; the same for every attempt.
    pub message_id: String,
    /// Who it goes to; the name is what the mail begins with.
    pub to: Recipient,
    /// Language of subject and body.
    pub locale: Locale,
    /// What it says.
    pub words: NoticeWords,
    /// The Date header.
    pub date: OffsetDateTime,
    /// The year in the issuer's time zone, for the mail's end.
    pub year: i32,
}

/// What such a mail says.
#[derive(Clone, Debug)]
pub enum NoticeWords {
    /// How to set another password.
    PasswordReset {
        /// The page for that, an `http` or `https` URL that lets whoever has it in.
        link: Secret,
        /// For how many minutes the link works.
        minutes: i64,
    },
    /// That the password was changed.
    PasswordChanged {
        /// When.
        at: OffsetDateTime,
    },
}

impl NoticeWords {
    /// The folder of the templates.
    pub(super) const fn folder(&self) -> &'static str {
        match self {
            Self::PasswordReset { .. } => "password_reset",
            Self::PasswordChanged { .. } => "password_changed",
        }
    }
}
