//! Notice: a mail to a user about the user's own account, optionally with a link.
//!
//! A notice contains only the user and its subject. The address, text and link are determined when
//! it is sent. The secret in the link is a keyed hash of the notice's id
//! ([`crate::domain::kernel::keyed_hash`]), so the log doesn't contain the secret.

pub mod link;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{DataSubject, Decider, Personal, Refusal, UserId};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A notice to a user was queued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoticeQueued {
    /// Recipient.
    pub user_id: UserId,
    /// Subject of the notice.
    pub about: NoticeAbout,
}

/// The mail server accepted the mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoticeSent {
    /// Response of the mail server.
    pub answer: Personal<String>,
}

/// The mail was not sent, and sending it is not tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoticeFailed {
    /// Response of the mail server, or the reason why the mail was not passed to it.
    pub answer: Personal<String>,
}

/// The link of the notice was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoticeLinkUsed {}

domain_events! {
    /// Events of a notice.
    NoticeEvent for "notice" { NoticeQueued, NoticeSent, NoticeFailed, NoticeLinkUsed }
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
    /// once.
    PasswordReset {
        /// Time at which the link expires.
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
        /// The user's epoch when the notice was queued. The link is invalid in a later epoch, for
        /// example after another password change.
        epoch: u32,
    },
    /// Information that the password was changed.
    PasswordChanged,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to a notice.
#[derive(Clone, Debug)]
pub enum NoticeCommand {
    /// Queues the notice.
    Queue(NoticeQueued),
    /// Records that the mail server accepted the mail.
    RecordSent(NoticeSent),
    /// Records that the mail was not sent and is given up.
    RecordFailure(NoticeFailed),
    /// Uses the link to set a password.
    UseLink {
        /// Current time.
        now: OffsetDateTime,
        /// The user's current epoch.
        epoch: u32,
    },
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// State of a notice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NoticeState {
    /// The queued notice; `None` if no notice was queued.
    pub queued: Option<NoticeQueued>,
    /// True if the mail was sent or given up.
    pub is_settled: bool,
    /// True if the link was used.
    pub is_used: bool,
}

impl NoticeState {
    /// Returns true if the link can be used to set a password: it is unused, not expired and of the
    /// user's current epoch.
    #[must_use]
    pub fn opens(&self, now: OffsetDateTime, epoch: u32) -> bool {
        let Some(NoticeQueued { about, .. }) = &self.queued else {
            return false;
        };
        match about {
            NoticeAbout::PasswordReset {
                expires_at,
                epoch: then,
            } => !self.is_used && now < *expires_at && *then == epoch,
            NoticeAbout::PasswordChanged => false,
        }
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
        match (command, &state.queued) {
            (NoticeCommand::Queue(notice), None) => Ok(vec![notice.clone().into()]),
            (NoticeCommand::Queue(_), Some(_)) => Err(Refusal::AlreadyExists("notice")),
            (NoticeCommand::UseLink { now, epoch }, _) if state.opens(*now, *epoch) => {
                Ok(vec![NoticeLinkUsed {}.into()])
            }
            (NoticeCommand::UseLink { .. }, _) => Err(Refusal::LinkEnded),
            (_, None) => Err(Refusal::NotFound("notice")),
            (_, Some(_)) if state.is_settled => Ok(Vec::new()),
            (NoticeCommand::RecordSent(sent), Some(_)) => Ok(vec![sent.clone().into()]),
            (NoticeCommand::RecordFailure(failed), Some(_)) => Ok(vec![failed.clone().into()]),
        }
    }

    fn data_subject(_: &str, state: &NoticeState, event: &NoticeEvent) -> Option<DataSubject> {
        match event {
            NoticeEvent::NoticeQueued(e) => Some(DataSubject::User(e.user_id.0)),
            NoticeEvent::NoticeSent(_)
            | NoticeEvent::NoticeFailed(_)
            | NoticeEvent::NoticeLinkUsed(_) => {
                let notice = state.queued.as_ref()?;
                Some(DataSubject::User(notice.user_id.0))
            }
        }
    }

    fn evolve(state: NoticeState, event: &NoticeEvent) -> NoticeState {
        match event {
            NoticeEvent::NoticeQueued(notice) => NoticeState {
                queued: Some(notice.clone()),
                ..state
            },
            NoticeEvent::NoticeSent(_) | NoticeEvent::NoticeFailed(_) => NoticeState {
                is_settled: true,
                ..state
            },
            NoticeEvent::NoticeLinkUsed(_) => NoticeState {
                is_used: true,
                ..state
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::kernel::decider::spec::given;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
    const END: OffsetDateTime = datetime!(2026-11-21 12:30 UTC);

    fn queued(about: NoticeAbout) -> NoticeEvent {
        NoticeQueued {
            user_id: UserId(Uuid::from_u128(1)),
            about,
        }
        .into()
    }

    fn reset() -> NoticeEvent {
        queued(NoticeAbout::PasswordReset {
            expires_at: END,
            epoch: 2,
        })
    }

    fn use_link(now: OffsetDateTime, epoch: u32) -> NoticeCommand {
        NoticeCommand::UseLink { now, epoch }
    }

    #[test]
    fn reset_link_is_accepted_once_before_its_expiry_and_in_its_epoch() {
        let used: NoticeEvent = NoticeLinkUsed {}.into();
        given::<Notice>(vec![reset()])
            .when(use_link(NOW, 2))
            .then(vec![used.clone()]);
        given::<Notice>(vec![reset(), used])
            .when(use_link(NOW, 2))
            .then_refused("RESET_LINK_INVALID");
        given::<Notice>(vec![reset()])
            .when(use_link(END, 2))
            .then_refused("RESET_LINK_INVALID");
        given::<Notice>(vec![reset()])
            .when(use_link(NOW, 3))
            .then_refused("RESET_LINK_INVALID");
        let changed = queued(NoticeAbout::PasswordChanged);
        given::<Notice>(vec![changed])
            .when(use_link(NOW, 2))
            .then_refused("RESET_LINK_INVALID");
        given::<Notice>(vec![])
            .when(use_link(NOW, 2))
            .then_refused("RESET_LINK_INVALID");
    }

    #[test]
    fn outcome_of_a_notice_is_recorded_once() {
        let sent = NoticeSent {
            answer: "250 ok".to_owned().into(),
        };
        let failed = NoticeFailed {
            answer: "550 no".to_owned().into(),
        };
        let record = NoticeCommand::RecordSent(sent.clone());
        given::<Notice>(vec![reset()])
            .when(record.clone())
            .then(vec![sent.clone().into()]);
        given::<Notice>(vec![reset(), sent.into()])
            .when(record.clone())
            .then_nothing();
        given::<Notice>(vec![reset(), failed.clone().into()])
            .when(NoticeCommand::RecordFailure(failed))
            .then_nothing();
        given::<Notice>(vec![])
            .when(record)
            .then_refused("NOT_FOUND");
    }
}
