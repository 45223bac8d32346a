//! Decisions about waiting mails: releasing, rescheduling and cancelling them.

use super::{
    EmailCancelled, EmailReleased, EmailRescheduled, MailDelivery, MailEvent, MailState, Stage,
};
use crate::domain::{Personal, Refusal};

pub(super) fn release(stage: Stage) -> Result<Vec<MailEvent>, Refusal> {
    match stage {
        Stage::Held | Stage::Scheduled => Ok(vec![EmailReleased {}.into()]),
        _ => Err(Refusal::WrongState(
            "only a held or scheduled job can be released".to_owned(),
        )),
    }
}

pub(super) fn reschedule(
    state: &MailState,
    stage: Stage,
    delivery: MailDelivery,
) -> Result<Vec<MailEvent>, Refusal> {
    match (stage, delivery) {
        (Stage::Held | Stage::Scheduled, MailDelivery::Immediate) => release(stage),
        (Stage::Held, MailDelivery::Held) => Ok(Vec::new()),
        (Stage::Scheduled, MailDelivery::At(at)) if state.due == Some(at) => Ok(Vec::new()),
        (Stage::Held | Stage::Scheduled, _) => Ok(vec![EmailRescheduled { delivery }.into()]),
        _ => Err(Refusal::WrongState(
            "only a held or scheduled job can be rescheduled; this one is being sent or has ended"
                .to_owned(),
        )),
    }
}

pub(super) fn cancel(stage: Stage, reason: &Personal<String>) -> Result<Vec<MailEvent>, Refusal> {
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
