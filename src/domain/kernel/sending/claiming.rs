//! Decisions about claims: claiming an attempt, and abandoning a mail.

use super::{
    Content, EmailFailed, EmailOutcomeUnknown, OnUnknown, SendClaimed, SendingEvent, SendingState,
    Stage,
};

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
        (Stage::Queued, _) | (Stage::Claimed, OnUnknown::Retry) => vec![next()],
        (Stage::Claimed, OnUnknown::Park) => vec![
            EmailOutcomeUnknown {
                attempt: state.attempt,
                retry_at: None,
                detail: "the worker stopped between claiming the mail and recording its outcome"
                    .to_owned()
                    .into(),
            }
            .into(),
        ],
        (
            Stage::Absent
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
