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

/// Returns the detail of the end of a mail with an earlier attempt of unknown outcome.
pub(super) fn after_unknown(why: &str) -> String {
    format!("an earlier attempt may have been successful; then: {why}")
}

pub(super) fn abandon<M: Content, E: SendingEvent<M>>(
    state: &SendingState<M>,
    why: &str,
) -> Vec<E> {
    let attempt = state.attempt;
    let may_have_arrived = state.unknown_attempt > 0;
    let unknown = |detail: String| {
        vec![
            EmailOutcomeUnknown {
                attempt,
                retry_at: None,
                detail: detail.into(),
            }
            .into(),
        ]
    };
    match state.stage {
        Stage::Queued | Stage::Retrying if may_have_arrived => unknown(after_unknown(why)),
        Stage::Queued | Stage::Retrying => vec![
            EmailFailed {
                attempt,
                permanent: true,
                retry_at: None,
                unanswered: true,
                answer: why.to_owned().into(),
            }
            .into(),
        ],
        Stage::Claimed => unknown(why.to_owned()),
        Stage::Absent
        | Stage::Sent
        | Stage::Failed
        | Stage::Unknown
        | Stage::Held
        | Stage::Scheduled
        | Stage::Cancelled => Vec::new(),
    }
}
