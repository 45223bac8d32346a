//! Decisions about claims: claiming an attempt, and abandoning a mail.

use super::{
    Content, EmailFailed, EmailOutcomeUnknown, OnUnknown, SendClaimed, SendingEvent, SendingState,
    Stage,
};

/// Detail of the unknown outcome of a claim without a recorded outcome.
pub const NO_OUTCOME: &str =
    "the worker stopped between claiming the mail and recording its outcome";

pub(super) fn claim<M: Content, E: SendingEvent<M>>(
    state: &SendingState<M>,
    message_id: &str,
) -> Vec<E> {
    let next = || {
        SendClaimed {
            attempt: state.attempt.saturating_add(1),
            message_id: message_id.to_owned(),
        }
        .into()
    };
    let on_unknown = state
        .mail
        .as_ref()
        .map_or(OnUnknown::Park, Content::on_unknown);
    match (state.stage, on_unknown) {
        (Stage::Queued, _) => vec![next()],
        (Stage::Claimed, OnUnknown::Retry)
            if state.failures.saturating_add(1) < M::MAX_FAILURES =>
        {
            vec![next()]
        }
        (Stage::Claimed, OnUnknown::Retry) => vec![
            EmailOutcomeUnknown {
                attempt: state.attempt,
                retry_at: None,
                detail: NO_OUTCOME.to_owned().into(),
            }
            .into(),
        ],
        (
            Stage::Absent
            | Stage::Claimed
            | Stage::Retrying
            | Stage::Sent
            | Stage::Failed
            | Stage::Unknown
            | Stage::Held
            | Stage::Scheduled
            | Stage::Cancelled,
            _,
        ) => Vec::new(),
    }
}

pub(super) fn abandon<M: Content, E: SendingEvent<M>>(
    state: &SendingState<M>,
    why: &str,
) -> Vec<E> {
    let attempt = state.attempt;
    let why = || why.to_owned().into();
    match state.stage {
        Stage::Queued | Stage::Retrying => vec![
            EmailFailed {
                attempt,
                permanent: true,
                retry_at: None,
                unanswered: true,
                answer: why(),
            }
            .into(),
        ],
        Stage::Claimed => vec![
            EmailOutcomeUnknown {
                attempt,
                retry_at: None,
                detail: why(),
            }
            .into(),
        ],
        Stage::Absent
        | Stage::Sent
        | Stage::Failed
        | Stage::Unknown
        | Stage::Held
        | Stage::Scheduled
        | Stage::Cancelled => Vec::new(),
    }
}
