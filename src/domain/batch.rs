//! Batch: one request to issue a certificate for many people.

use serde::{Deserialize, Serialize};
use time::Date;

use super::email::MailDelivery;
use super::events::domain_events;
use super::issuance::WhyRevoked;
use super::{AttendeeId, CertificateId, Decider, ImportId, Personal, Refusal};

/// How many attendees one request may name.
pub const MAX_ATTENDEES: usize = 10_000;

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// Somebody asked for certificates for these people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchRequested {
    /// What they earn.
    pub certificate_id: CertificateId,
    /// Who earns it, each once.
    pub attendee_ids: Vec<AttendeeId>,
    /// When the mails about what is issued may go out.
    #[serde(default, skip_serializing_if = "MailDelivery::is_immediate")]
    pub delivery: MailDelivery,
    /// Date on the certificates; absent for the definition's, or else the date of issuing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
    /// The import whose people these are; absent where somebody named them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_id: Option<ImportId>,
}

/// Every person of the batch has an issuance now, new or from before, or was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchDispatched {
    /// Issuances that this batch made.
    pub requested: u32,
    /// Issuances that existed before.
    pub existing: u32,
    /// People for whom nothing could be issued.
    pub refused: Vec<RefusedAttendee>,
    /// People for whom nothing was issued, because the batch was stopped.
    #[serde(default)]
    pub left: u32,
}

/// Somebody wants what has not happened yet not to happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchCancelRequested {}

/// What had not happened yet does not happen any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchCancelled {
    /// Issuances without a PDF, now revoked.
    pub revoked: u32,
    /// Issuances that had their PDF, and stay.
    pub kept: u32,
}

/// Somebody wants everything that this batch issued to be revoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchUndoRequested {
    /// Why, for programs.
    pub reason: WhyRevoked,
    /// Why, in somebody's own words; may name people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Personal<String>>,
}

/// Everything that this batch issued is revoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchUndone {
    /// Issuances that this batch made and that are revoked now, whoever revoked them.
    pub revoked: u32,
}

domain_events! {
    /// What can happen to a batch.
    BatchEvent for "batch" {
        BatchRequested, BatchDispatched, BatchCancelRequested, BatchCancelled, BatchUndoRequested, BatchUndone,
    }
}

/// Somebody for whom nothing could be issued, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedAttendee {
    /// Who.
    pub attendee_id: AttendeeId,
    /// The refusal's code.
    pub code: String,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// What can be asked of a batch.
#[derive(Clone, Debug)]
pub enum BatchCommand {
    /// Issue for these people.
    Request(BatchRequested),
    /// Note that all of them have been dealt with.
    RecordDispatch(BatchDispatched),
    /// Stop what has not happened yet.
    Cancel,
    /// Note that it is stopped.
    RecordCancelled(BatchCancelled),
    /// Revoke everything that it issued.
    Undo(BatchUndoRequested),
    /// Note that everything is revoked.
    RecordUndone(BatchUndone),
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// What was asked of the batch, and how far it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchState {
    /// Whom it is for; none without history.
    pub request: Option<BatchRequested>,
    /// Whether everybody has an issuance or was refused, or was left because it was stopped.
    pub is_dispatched: bool,
    /// What was asked of it since.
    pub stop: Option<Stop>,
    /// Whether that was carried out.
    pub is_stopped: bool,
}

/// What was asked of a batch after it had begun.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// What has not happened yet is not to happen.
    Cancel,
    /// Everything that it issued is to be revoked.
    Undo(BatchUndoRequested),
}

impl BatchState {
    /// What is to be carried out now: what was asked for waits until everybody was dealt with, so that
    /// nothing is issued behind its back.
    #[must_use]
    pub const fn due(&self) -> Option<&Stop> {
        match &self.stop {
            Some(stop) if self.is_dispatched && !self.is_stopped => Some(stop),
            _ => None,
        }
    }
}

/// The decider of batches.
pub struct Batch;

impl Decider for Batch {
    const AGGREGATE: &'static str = "batch";
    type State = BatchState;
    type Command = BatchCommand;
    type Event = BatchEvent;

    fn decide(state: &BatchState, command: &BatchCommand) -> Result<Vec<BatchEvent>, Refusal> {
        match (&state.request, command) {
            (None, BatchCommand::Request(request)) => Ok(vec![checked(request)?.into()]),
            (Some(_), BatchCommand::Request(_)) => Err(Refusal::AlreadyExists("batch")),
            (None, _) => Err(Refusal::NotFound("batch")),
            (Some(_), BatchCommand::RecordDispatch(_)) if state.is_dispatched => Ok(Vec::new()),
            (Some(_), BatchCommand::RecordDispatch(outcome)) => Ok(vec![outcome.clone().into()]),
            (Some(_), BatchCommand::Cancel) => match state.stop {
                None => Ok(vec![BatchCancelRequested {}.into()]),
                Some(Stop::Cancel) => Ok(Vec::new()),
                Some(Stop::Undo(_)) => Err(Refusal::WrongState("the batch is undone already".to_owned())),
            },
            (Some(_), BatchCommand::Undo(why)) => match state.stop {
                None | Some(Stop::Cancel) => Ok(vec![why.clone().into()]),
                Some(Stop::Undo(_)) => Ok(Vec::new()),
            },
            (Some(_), BatchCommand::RecordCancelled(outcome)) => match state.due() {
                Some(Stop::Cancel) => Ok(vec![outcome.clone().into()]),
                // Meanwhile somebody wants it undone, which does more; or it was noted before.
                Some(Stop::Undo(_)) | None => Ok(Vec::new()),
            },
            (Some(_), BatchCommand::RecordUndone(outcome)) => match state.due() {
                Some(Stop::Undo(_)) => Ok(vec![outcome.clone().into()]),
                Some(Stop::Cancel) | None => Ok(Vec::new()),
            },
        }
    }

    fn evolve(mut state: BatchState, event: &BatchEvent) -> BatchState {
        match event {
            BatchEvent::BatchRequested(e) => state.request = Some(e.clone()),
            BatchEvent::BatchDispatched(_) => state.is_dispatched = true,
            BatchEvent::BatchCancelRequested(_) => state.stop = Some(Stop::Cancel),
            BatchEvent::BatchUndoRequested(e) => {
                state.stop = Some(Stop::Undo(e.clone()));
                state.is_stopped = false;
            }
            BatchEvent::BatchCancelled(_) | BatchEvent::BatchUndone(_) => state.is_stopped = true,
        }
        state
    }
}

fn checked(request: &BatchRequested) -> Result<BatchRequested, Refusal> {
    let mut seen = std::collections::HashSet::new();
    let attendee_ids: Vec<_> = request.attendee_ids.iter().copied().filter(|id| seen.insert(*id)).collect();
    if attendee_ids.is_empty() {
        return Err(Refusal::field("attendeeIds", "name at least one attendee"));
    }
    if attendee_ids.len() > MAX_ATTENDEES {
        return Err(Refusal::field("attendeeIds", format!("name at most {MAX_ATTENDEES} attendees a call")));
    }
    Ok(BatchRequested { attendee_ids, ..request.clone() })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::decider::spec::given;

    fn request(ids: &[u128]) -> BatchRequested {
        BatchRequested {
            certificate_id: Uuid::from_u128(9).into(),
            attendee_ids: ids.iter().map(|id| Uuid::from_u128(*id).into()).collect(),
            delivery: MailDelivery::Immediate,
            issue_date: None,
            import_id: None,
        }
    }

    fn dispatched() -> BatchDispatched {
        BatchDispatched { requested: 1, existing: 0, refused: vec![], left: 0 }
    }

    #[test]
    fn a_person_named_twice_is_asked_for_once() {
        given::<Batch>(vec![])
            .when(BatchCommand::Request(request(&[1, 2, 1])))
            .then(vec![request(&[1, 2]).into()]);
    }

    #[test]
    fn nobody_and_too_many_are_refused() {
        given::<Batch>(vec![]).when(BatchCommand::Request(request(&[]))).then_refused("VALIDATION_ERROR");
        let many: Vec<u128> = (0..=MAX_ATTENDEES as u128).collect();
        given::<Batch>(vec![]).when(BatchCommand::Request(request(&many))).then_refused("VALIDATION_ERROR");
    }

    #[test]
    fn the_dispatch_is_recorded_once() {
        let requested: BatchEvent = request(&[1]).into();
        given::<Batch>(vec![requested.clone()])
            .when(BatchCommand::RecordDispatch(dispatched()))
            .then(vec![dispatched().into()]);
        given::<Batch>(vec![requested, dispatched().into()])
            .when(BatchCommand::RecordDispatch(dispatched()))
            .then_nothing();
    }

    fn undo() -> BatchUndoRequested {
        let reason = WhyRevoked::IssuedInError;
        BatchUndoRequested { reason, note: Some("wrong file".to_owned().into()) }
    }

    #[test]
    fn it_is_cancelled_once() {
        let requested: BatchEvent = request(&[1]).into();
        given::<Batch>(vec![requested.clone()])
            .when(BatchCommand::Cancel)
            .then(vec![BatchCancelRequested {}.into()]);
        given::<Batch>(vec![requested, BatchCancelRequested {}.into()])
            .when(BatchCommand::Cancel)
            .then_nothing();
        given::<Batch>(vec![]).when(BatchCommand::Cancel).then_refused("NOT_FOUND");
    }

    #[test]
    fn it_is_undone_once_also_after_it_was_cancelled() {
        let begun: Vec<BatchEvent> = vec![request(&[1]).into(), BatchCancelRequested {}.into()];
        given::<Batch>(begun.clone()).when(BatchCommand::Undo(undo())).then(vec![undo().into()]);
        let undoing = [begun, vec![undo().into()]].concat();
        given::<Batch>(undoing.clone()).when(BatchCommand::Undo(undo())).then_nothing();
        given::<Batch>(undoing).when(BatchCommand::Cancel).then_refused("WRONG_STATE");
    }

    #[test]
    fn nothing_is_stopped_before_everybody_was_dealt_with() {
        let undoing: Vec<BatchEvent> = vec![request(&[1]).into(), undo().into()];
        let end = || BatchCommand::RecordUndone(BatchUndone { revoked: 1 });
        given::<Batch>(undoing.clone()).when(end()).then_nothing();
        let dispatched = [undoing, vec![dispatched().into()]].concat();
        assert_eq!(Batch::fold(&dispatched).due(), Some(&Stop::Undo(undo())));
        given::<Batch>(dispatched.clone()).when(end()).then(vec![BatchUndone { revoked: 1 }.into()]);
        let undone = [dispatched, vec![BatchUndone { revoked: 1 }.into()]].concat();
        assert_eq!(Batch::fold(&undone).due(), None);
        given::<Batch>(undone).when(end()).then_nothing();
    }

    #[test]
    fn a_cancellation_that_ends_after_an_undo_was_asked_for_does_not_end_that() {
        let history: Vec<BatchEvent> =
            vec![request(&[1]).into(), dispatched().into(), BatchCancelRequested {}.into()];
        let end = || BatchCancelled { revoked: 1, kept: 0 };
        given::<Batch>(history.clone()).when(BatchCommand::RecordCancelled(end())).then(vec![end().into()]);
        let undoing = [history, vec![undo().into()]].concat();
        given::<Batch>(undoing).when(BatchCommand::RecordCancelled(end())).then_nothing();
    }
}
