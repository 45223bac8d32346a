//! Notice: a mail to a user about the own account, and the link in it, if it has one.
//!
//! It names the user and says what the mail is about; address, words and link are put together when it is
//! sent. The link's secret is a keyed hash of the notice's id ([`super::keyed_hash`]), so that nothing in
//! the log opens it.

pub mod link;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::events::domain_events;
use super::{Decider, Personal, Refusal, UserId};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A user is to be told something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoticeQueued {
    /// Whom.
    pub user_id: UserId,
    /// What about.
    pub about: NoticeAbout,
}

/// The mail server has taken the mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoticeSent {
    /// The server's answer.
    pub answer: Personal<String>,
}

/// The mail was not sent, and is not going to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoticeFailed {
    /// The server's answer, or why it was not asked.
    pub answer: Personal<String>,
}

/// The mail's link has done what it was for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NoticeLinkUsed {}

domain_events! {
    /// What can happen to a notice.
    NoticeEvent for "notice" { NoticeQueued, NoticeSent, NoticeFailed, NoticeLinkUsed }
}

/// What a user is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum NoticeAbout {
    /// How to set a password in place of one that was forgotten: by a link that works once.
    PasswordReset {
        /// Until when the link works.
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
        /// The user's epoch then: in a later one, such as after another password, the link is void.
        epoch: u32,
    },
    /// That the password was changed.
    PasswordChanged,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// What can be asked of a notice.
#[derive(Clone, Debug)]
pub enum NoticeCommand {
    /// Tell somebody something.
    Queue(NoticeQueued),
    /// Record that the mail server has taken it.
    RecordSent(NoticeSent),
    /// Record that it is not going to be sent.
    RecordFailure(NoticeFailed),
    /// Use its link to set a password.
    UseLink {
        /// The time now.
        now: OffsetDateTime,
        /// The user's epoch now.
        epoch: u32,
    },
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// A notice as the history has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NoticeState {
    /// What was asked for; nothing, if there is no history.
    pub queued: Option<NoticeQueued>,
    /// Whether the mail was sent or given up.
    pub is_settled: bool,
    /// Whether its link was used.
    pub is_used: bool,
}

impl NoticeState {
    /// Whose password the link sets, if it still works.
    #[must_use]
    pub fn opens(&self, now: OffsetDateTime, epoch: u32) -> bool {
        let Some(NoticeQueued { about, .. }) = &self.queued else { return false };
        match about {
            NoticeAbout::PasswordReset { expires_at, epoch: then } => {
                !self.is_used && now < *expires_at && *then == epoch
            }
            NoticeAbout::PasswordChanged => false,
        }
    }
}

/// The decider of notices.
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

    fn evolve(state: NoticeState, event: &NoticeEvent) -> NoticeState {
        match event {
            NoticeEvent::NoticeQueued(notice) => NoticeState { queued: Some(notice.clone()), ..state },
            NoticeEvent::NoticeSent(_) | NoticeEvent::NoticeFailed(_) => {
                NoticeState { is_settled: true, ..state }
            }
            NoticeEvent::NoticeLinkUsed(_) => NoticeState { is_used: true, ..state },
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::decider::spec::given;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
    const END: OffsetDateTime = datetime!(2026-11-21 12:30 UTC);

    fn queued(about: NoticeAbout) -> NoticeEvent {
        NoticeQueued { user_id: UserId(Uuid::from_u128(1)), about }.into()
    }

    fn reset() -> NoticeEvent {
        queued(NoticeAbout::PasswordReset { expires_at: END, epoch: 2 })
    }

    fn use_link(now: OffsetDateTime, epoch: u32) -> NoticeCommand {
        NoticeCommand::UseLink { now, epoch }
    }

    #[test]
    fn a_link_works_once_in_time_and_for_the_password_that_was_forgotten() {
        let used: NoticeEvent = NoticeLinkUsed {}.into();
        given::<Notice>(vec![reset()]).when(use_link(NOW, 2)).then(vec![used.clone()]);
        given::<Notice>(vec![reset(), used]).when(use_link(NOW, 2)).then_refused("RESET_LINK_INVALID");
        given::<Notice>(vec![reset()]).when(use_link(END, 2)).then_refused("RESET_LINK_INVALID");
        given::<Notice>(vec![reset()]).when(use_link(NOW, 3)).then_refused("RESET_LINK_INVALID");
        let changed = queued(NoticeAbout::PasswordChanged);
        given::<Notice>(vec![changed]).when(use_link(NOW, 2)).then_refused("RESET_LINK_INVALID");
        given::<Notice>(vec![]).when(use_link(NOW, 2)).then_refused("RESET_LINK_INVALID");
    }

    #[test]
    fn an_outcome_is_recorded_once() {
        let sent = NoticeSent { answer: "250 ok".to_owned().into() };
        let failed = NoticeFailed { answer: "550 no".to_owned().into() };
        let record = NoticeCommand::RecordSent(sent.clone());
        given::<Notice>(vec![reset()]).when(record.clone()).then(vec![sent.clone().into()]);
        given::<Notice>(vec![reset(), sent.into()]).when(record.clone()).then_nothing();
        given::<Notice>(vec![reset(), failed.clone().into()])
            .when(NoticeCommand::RecordFailure(failed))
            .then_nothing();
        given::<Notice>(vec![]).when(record).then_refused("NOT_FOUND");
    }
}
