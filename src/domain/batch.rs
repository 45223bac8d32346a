//! Batch: one request to issue a certificate for many people.

use serde::{Deserialize, Serialize};

use super::email::MailDelivery;
use super::events::domain_events;
use super::{AttendeeId, CertificateId, Decider, Refusal};

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
}

domain_events! {
    /// What can happen to a batch.
    BatchEvent for "batch" { BatchRequested, BatchDispatched }
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
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// How far the batch is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum BatchState {
    /// No history.
    #[default]
    Unknown,
    /// Issuances are being requested.
    Requested,
    /// All issuances exist or were refused.
    Dispatched,
}

/// The decider of batches.
pub struct Batch;

impl Decider for Batch {
    const AGGREGATE: &'static str = "batch";
    type State = BatchState;
    type Command = BatchCommand;
    type Event = BatchEvent;

    fn decide(state: &BatchState, command: &BatchCommand) -> Result<Vec<BatchEvent>, Refusal> {
        match (state, command) {
            (BatchState::Unknown, BatchCommand::Request(request)) => Ok(vec![checked(request)?.into()]),
            (_, BatchCommand::Request(_)) => Err(Refusal::AlreadyExists("batch")),
            (BatchState::Unknown, BatchCommand::RecordDispatch(_)) => Err(Refusal::NotFound("batch")),
            (BatchState::Requested, BatchCommand::RecordDispatch(outcome)) => {
                Ok(vec![outcome.clone().into()])
            }
            (BatchState::Dispatched, BatchCommand::RecordDispatch(_)) => Ok(Vec::new()),
        }
    }

    fn evolve(_: BatchState, event: &BatchEvent) -> BatchState {
        match event {
            BatchEvent::BatchRequested(_) => BatchState::Requested,
            BatchEvent::BatchDispatched(_) => BatchState::Dispatched,
        }
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
        }
    }

    fn dispatched() -> BatchDispatched {
        BatchDispatched { requested: 1, existing: 0, refused: vec![] }
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
}
