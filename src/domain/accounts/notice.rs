//! Notice: a mail to a user about the user's own account, optionally with a link.
//!
//! A notice contains only the user and its subject. The address, text and link are determined when
//! it is sent. The secret in the link is a keyed hash of the notice's id
//! ([`crate::domain::kernel::keyed_hash`]), so the log doesn't contain the secret.
//!
//! Its events, states and decisions are those of [`crate::domain::kernel::sending`]. Unlike a mail
//! with a certificate, a notice is sent again if its outcome is unknown. A duplicate does no harm,
//! but without the notice, a user may be locked out.

pub mod link;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::kernel::domain_event::domain_events;
use crate::domain::kernel::sending::{
    self, Content, EmailCancelled, EmailFailed, EmailOutcomeUnknown, EmailReleased,
    EmailRescheduled, EmailRetryRequested, EmailSent, MailDelivery, OnUnknown, SendClaimed,
    SendingCommand, SendingDecider, SendingState, Stage,
};
use crate::domain::{DataSubject, Decider, Refusal, UserId};

/// A notice to a user was queued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoticeQueued {
    /// Recipient.
    pub user_id: UserId,
    /// Subject of the notice.
    pub about: NoticeAbout,
}

/// A worker claimed the notice.
pub type NoticeClaimed = SendClaimed;
/// The mail server accepted the notice.
pub type NoticeSent = EmailSent;
/// The mail server rejected the notice.
pub type NoticeFailed = EmailFailed;
/// The outcome of an attempt to send the notice is unknown.
pub type NoticeOutcomeUnknown = EmailOutcomeUnknown;
/// An operator requested another attempt.
pub type NoticeRetryRequested = EmailRetryRequested;
/// A waiting notice may be sent.
pub type NoticeReleased = EmailReleased;
/// The delivery of a waiting notice changed.
pub type NoticeRescheduled = EmailRescheduled;
/// The notice was cancelled, because it no longer has a purpose.
pub type NoticeCancelled = EmailCancelled;

domain_events! {
    /// Events of a notice.
    NoticeEvent for "notice" {
        NoticeQueued, NoticeClaimed, NoticeSent, NoticeFailed, NoticeOutcomeUnknown,
        NoticeRetryRequested, NoticeReleased, NoticeRescheduled, NoticeCancelled,
    }
}

/// Subject of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "kind"
)]
pub enum NoticeAbout {
    /// Link for setting a new password after the user forgot the old one. The link can be used
    /// once, because a new password starts another epoch of the user.
    PasswordReset {
        /// Time at which the link expires.
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
        /// The user's link epoch when the notice was queued. The link is invalid in a later one, for
        /// example after another password change.
        epoch: u32,
    },
    /// Information that the password was changed.
    PasswordChanged,
}

impl NoticeAbout {
    /// Returns true if the link of this notice can be used to set a password: it is not expired and
    /// of the user's current link epoch.
    #[must_use]
    pub fn opens(&self, now: OffsetDateTime, epoch: u32) -> bool {
        match self {
            Self::PasswordReset {
                expires_at,
                epoch: then,
            } => now < *expires_at && *then == epoch,
            Self::PasswordChanged => false,
        }
    }
}

/// Commands to a notice.
pub type NoticeCommand = SendingCommand<NoticeQueued>;

/// State of a notice.
pub type NoticeState = SendingState<NoticeQueued>;

impl Content for NoticeQueued {
    const NOUN: &'static str = "notice";
    const MAX_FAILURES: u32 = 8;
    const DELAY_FACTOR: u32 = 2;
    const IS_URGENT: bool = true;
    const IS_LISTED: bool = false;

    fn on_unknown(&self) -> OnUnknown {
        OnUnknown::Retry
    }
}

/// Decider of notices.
pub struct Notice;

impl Decider for Notice {
    const AGGREGATE: &'static str = "notice";
    type State = NoticeState;
    type Command = NoticeCommand;
    type Event = NoticeEvent;

    fn decide(state: &NoticeState, command: &NoticeCommand) -> Result<Vec<NoticeEvent>, Refusal> {
        sending::decide(state, command)
    }

    fn data_subject(_: &str, state: &NoticeState, event: &NoticeEvent) -> Option<DataSubject> {
        let notice = match event {
            NoticeEvent::NoticeQueued(notice) => notice,
            NoticeEvent::NoticeClaimed(_)
            | NoticeEvent::NoticeSent(_)
            | NoticeEvent::NoticeFailed(_)
            | NoticeEvent::NoticeOutcomeUnknown(_)
            | NoticeEvent::NoticeRetryRequested(_)
            | NoticeEvent::NoticeReleased(_)
            | NoticeEvent::NoticeRescheduled(_)
            | NoticeEvent::NoticeCancelled(_) => state.mail.as_ref()?,
        };
        Some(DataSubject::User(notice.user_id.0))
    }

    fn evolve(state: NoticeState, event: &NoticeEvent) -> NoticeState {
        match event {
            NoticeEvent::NoticeQueued(notice) => state.queued(notice),
            NoticeEvent::NoticeClaimed(claim) => state.claimed(claim),
            NoticeEvent::NoticeSent(_) => state.ended(Stage::Sent),
            NoticeEvent::NoticeFailed(failure) => state.failed(failure),
            NoticeEvent::NoticeOutcomeUnknown(unknown) => state.unknown(unknown),
            NoticeEvent::NoticeRetryRequested(_) => state.retried(),
            NoticeEvent::NoticeReleased(_) => state.waiting(MailDelivery::Immediate),
            NoticeEvent::NoticeRescheduled(change) => state.waiting(change.delivery),
            NoticeEvent::NoticeCancelled(_) => state.ended(Stage::Cancelled),
        }
    }
}

impl SendingDecider for Notice {
    type Content = NoticeQueued;
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::kernel::decider::spec::given;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
    const END: OffsetDateTime = datetime!(2026-11-21 12:30 UTC);

    const RESET: NoticeAbout = NoticeAbout::PasswordReset {
        expires_at: END,
        epoch: 2,
    };

    #[test]
    fn reset_link_is_accepted_before_its_expiry_and_in_its_epoch() {
        assert!(RESET.opens(NOW, 2));
        assert!(!RESET.opens(END, 2));
        assert!(!RESET.opens(NOW, 3));
        assert!(!NoticeAbout::PasswordChanged.opens(NOW, 2));
    }

    #[test]
    fn notice_with_an_unknown_outcome_is_sent_again() {
        let queued = NoticeQueued {
            user_id: UserId(Uuid::from_u128(1)),
            about: RESET,
        };
        let claimed = |attempt| -> NoticeEvent {
            NoticeClaimed {
                attempt,
                message_id: "<1@example.org>".to_owned(),
            }
            .into()
        };
        let unknown = NoticeOutcomeUnknown {
            attempt: 1,
            retry_at: Some(END),
            detail: "no answer".to_owned().into(),
        };
        let history = vec![queued.into(), claimed(1)];
        given::<Notice>(history.clone())
            .when(NoticeCommand::RecordUnknown(unknown.clone()))
            .then(vec![unknown.into()]);
        given::<Notice>(history)
            .when(NoticeCommand::Claim {
                message_id: "<1@example.org>".to_owned(),
            })
            .then(vec![claimed(2)]);
    }
}
