//! Decisions about the outcome of an attempt.

use time::OffsetDateTime;

use super::claiming::after_unknown;
use super::{
    Content, EmailFailed, EmailOutcomeUnknown, EmailSent, MAX_UNANSWERED, OnUnknown, SendingEvent,
    SendingState, Stage,
};
use crate::domain::Refusal;

/// Records an acceptance in every stage, because the mail was sent. The server's answer may be
/// recorded late, after the outcome was recorded as unknown, or even after a later attempt began.
pub(super) fn sent<M: Content, E: SendingEvent<M>>(
    state: &SendingState<M>,
    event: &EmailSent,
) -> Result<Vec<E>, Refusal> {
    match state.stage {
        Stage::Sent => Ok(Vec::new()),
        _ if (1..=state.attempt).contains(&event.attempt) => Ok(vec![event.clone().into()]),
        _ => Err(of_another_attempt()),
    }
}

/// Records a failure of the claimed attempt, even if its outcome was recorded as unknown meanwhile.
pub(super) fn failure<M: Content, E: SendingEvent<M>>(
    state: &SendingState<M>,
    event: &EmailFailed,
) -> Result<Vec<E>, Refusal> {
    let may_be_late = matches!(state.stage, Stage::Claimed | Stage::Unknown);
    if !may_be_late || event.attempt != state.attempt {
        return Err(of_another_attempt());
    }
    Ok(failed(state, event))
}

/// Records a failure of the next attempt, which was not claimed. Another process may have claimed
/// an attempt of the same number meanwhile. The failure is not the outcome of that attempt.
pub(super) fn unclaimed_failure<M: Content, E: SendingEvent<M>>(
    state: &SendingState<M>,
    event: &EmailFailed,
) -> Result<Vec<E>, Refusal> {
    let may_begin = match state.stage {
        Stage::Queued => true,
        Stage::Claimed => is_sent_again(state),
        _ => false,
    };
    if !may_begin || event.attempt != state.attempt.saturating_add(1) {
        return Err(of_another_attempt());
    }
    Ok(failed(state, event))
}

/// Returns the event for a failure. If the mail fails although an earlier attempt may have been
/// successful, its outcome is unknown.
fn failed<M: Content, E: SendingEvent<M>>(state: &SendingState<M>, event: &EmailFailed) -> Vec<E> {
    let retry_at = event.retry_at.filter(|_| !event.permanent);
    let retry_at = may_follow(state, event.attempt, event.unanswered, retry_at);
    let may_have_arrived =
        state.is_after_claim(event.attempt) || (1..event.attempt).contains(&state.unknown_attempt);
    if retry_at.is_none() && may_have_arrived {
        let detail = after_unknown(event.answer.reveal_str());
        return vec![
            EmailOutcomeUnknown {
                attempt: event.attempt,
                retry_at: None,
                detail: detail.into(),
            }
            .into(),
        ];
    }
    vec![
        EmailFailed {
            retry_at,
            ..event.clone()
        }
        .into(),
    ]
}

pub(super) fn unknown<M: Content, E: SendingEvent<M>>(
    state: &SendingState<M>,
    event: &EmailOutcomeUnknown,
) -> Result<Vec<E>, Refusal> {
    if state.stage != Stage::Claimed || event.attempt != state.attempt {
        return Err(of_another_attempt());
    }
    let retry_at = event.retry_at.filter(|_| is_sent_again(state));
    Ok(vec![
        EmailOutcomeUnknown {
            retry_at: may_follow(state, event.attempt, false, retry_at),
            ..event.clone()
        }
        .into(),
    ])
}

/// Returns true if the policy of the mail is to send it again after an unknown outcome.
fn is_sent_again<M: Content>(state: &SendingState<M>) -> bool {
    let again = |mail: &M| mail.on_unknown() == OnUnknown::Retry;
    state.mail.as_ref().is_some_and(again)
}

/// Returns the time of the next attempt if the number of failures allows one after this attempt.
fn may_follow<M: Content>(
    state: &SendingState<M>,
    attempt: u32,
    unanswered: bool,
    retry_at: Option<OffsetDateTime>,
) -> Option<OffsetDateTime> {
    let (earlier, most) = if unanswered {
        (state.unanswered, MAX_UNANSWERED)
    } else {
        (state.failures, M::MAX_FAILURES)
    };
    let is_counted = state.is_counted && attempt == state.attempt;
    let count = earlier.saturating_add(u32::from(!is_counted));
    retry_at.filter(|_| count < most)
}

fn of_another_attempt() -> Refusal {
    Refusal::WrongState("this outcome belongs to another attempt".to_owned())
}
