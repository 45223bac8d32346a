//! Decisions about waiting mails: releasing, rescheduling and cancelling them.

use super::{
    Content, EmailCancelled, EmailReleased, EmailRescheduled, MailDelivery, SendingEvent,
    SendingState, Stage,
};
use crate::domain::{Personal, Refusal};

pub(super) fn release<M: Content, E: SendingEvent<M>>(stage: Stage) -> Result<Vec<E>, Refusal> {
    match stage {
        Stage::Held | Stage::Scheduled => Ok(vec![EmailReleased {}.into()]),
        _ => Err(Refusal::WrongState(format!(
            "only a held or scheduled {} can be released",
            M::NOUN
        ))),
    }
}

pub(super) fn reschedule<M: Content, E: SendingEvent<M>>(
    state: &SendingState<M>,
    delivery: MailDelivery,
) -> Result<Vec<E>, Refusal> {
    match (state.stage, delivery) {
        (Stage::Held | Stage::Scheduled, MailDelivery::Immediate) => release::<M, E>(state.stage),
        (Stage::Held, MailDelivery::Held) => Ok(Vec::new()),
        (Stage::Scheduled, MailDelivery::At(at)) if state.due == Some(at) => Ok(Vec::new()),
        (Stage::Held | Stage::Scheduled, _) => Ok(vec![EmailRescheduled { delivery }.into()]),
        _ => Err(Refusal::WrongState(format!(
            "only a held or scheduled {} can be rescheduled; this one is being sent or has ended",
            M::NOUN
        ))),
    }
}

pub(super) fn cancel<M: Content, E: SendingEvent<M>>(
    stage: Stage,
    reason: &Personal<String>,
) -> Result<Vec<E>, Refusal> {
    match stage {
        Stage::Cancelled => Ok(Vec::new()),
        Stage::Sent => Err(Refusal::WrongState(
            "the mail was already sent, so it can't be cancelled".to_owned(),
        )),
        Stage::Claimed => Err(Refusal::WrongState(
            "the mail is being sent right now; try again in a moment".to_owned(),
        )),
        Stage::Absent
        | Stage::Queued
        | Stage::Retrying
        | Stage::Failed
        | Stage::Unknown
        | Stage::Held
        | Stage::Scheduled => Ok(vec![
            EmailCancelled {
                reason: reason.clone(),
            }
            .into(),
        ]),
    }
}
