//! Batch: one request to issue a certificate to many people.

use serde::{Deserialize, Serialize};
use time::Date;

use super::issuance::WhyRevoked;
use super::mail::MailDelivery;
use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{AttendeeId, CertificateId, DataSubject, Decider, ImportId, Personal, Refusal};

/// Maximum number of attendees in one request.
pub const MAX_ATTENDEES: usize = 10_000;

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// Certificates were requested for a list of people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchRequested {
    /// The certificate to issue.
    pub certificate_id: CertificateId,
    /// Attendees who get the certificate, without duplicates.
    pub attendee_ids: Vec<AttendeeId>,
    /// Delivery of the mails with the certificates.
    #[serde(default, skip_serializing_if = "MailDelivery::is_immediate")]
    pub delivery: MailDelivery,
    /// Date on the certificates. If absent, the date of the definition. If that is also absent, the
    /// date of issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
    /// Import whose rows contained the people. Absent if a request named the people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_id: Option<ImportId>,
}

/// All people of the batch were processed: each one has an issuance, was refused, or got nothing
/// because the batch was stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchDispatched {
    /// Number of issuances that this batch created.
    pub requested: u32,
    /// Number of people who already held the certificate.
    pub existing: u32,
    /// People to whom the certificate could not be issued.
    pub refused: Vec<RefusedAttendee>,
    /// Number of people to whom nothing was issued because the batch was stopped.
    #[serde(default)]
    pub left: u32,
}

/// The cancellation of the batch was requested. Issuances without a PDF are revoked, unsent mails
/// are cancelled, and no further issuances are created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchCancelRequested {}

/// The batch was cancelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchCancelled {
    /// Number of issuances that are revoked, by this cancellation or earlier.
    pub revoked: u32,
    /// Number of issuances that have a PDF and stay valid.
    pub kept: u32,
}

/// The revocation of all issuances of this batch was requested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchUndoRequested {
    /// Machine-readable reason.
    pub reason: WhyRevoked,
    /// Reason in free text. It may name people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Personal<String>>,
}

/// All issuances of this batch are revoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchUndone {
    /// Number of issuances of this batch that are revoked, by the undo or earlier.
    pub revoked: u32,
}

domain_events! {
    /// Events of a batch.
    BatchEvent for "batch" {
        BatchRequested, BatchDispatched, BatchCancelRequested, BatchCancelled, BatchUndoRequested, BatchUndone,
    }
}

/// Person to whom the certificate could not be issued, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedAttendee {
    /// The person.
    pub attendee_id: AttendeeId,
    /// Code of the refusal.
    pub code: String,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to a batch.
#[derive(Clone, Debug)]
pub enum BatchCommand {
    /// Requests certificates for people.
    Request(BatchRequested),
    /// Records that all people are processed.
    RecordDispatch(BatchDispatched),
    /// Cancels the batch: revokes issuances without a PDF, cancels unsent mails, and creates no
    /// further issuances.
    Cancel,
    /// Records the outcome of the cancellation.
    RecordCancelled(BatchCancelled),
    /// Revokes all issuances of the batch.
    Undo(BatchUndoRequested),
    /// Records that all issuances are revoked.
    RecordUndone(BatchUndone),
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// State of a batch: its request and its progress.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchState {
    /// The request; `None` if the batch doesn't exist.
    pub request: Option<BatchRequested>,
    /// True if all people were processed: each one has an issuance, was refused, or got nothing
    /// because the batch was stopped.
    pub is_dispatched: bool,
    /// Stop that was requested for the batch, if any.
    pub stop: Option<Stop>,
    /// True if the outcome of the stop is recorded.
    pub is_stopped: bool,
}

/// Request to stop a batch after its start.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// Revoke issuances without a PDF, cancel unsent mails, and create no further issuances.
    Cancel,
    /// Revoke all issuances of the batch.
    Undo(BatchUndoRequested),
}

impl BatchState {
    /// Returns true if the batch waits for the process managers: its dispatch or a requested stop
    /// has not ended.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        let is_stopping = self.stop.is_some() && !self.is_stopped;
        self.request.is_some() && (!self.is_dispatched || is_stopping)
    }

    /// Returns the stop that must be executed now. A stop waits until the dispatch is recorded, so
    /// that nothing is issued after it. When its outcome is recorded, it is no longer returned.
    #[must_use]
    pub const fn due(&self) -> Option<&Stop> {
        match &self.stop {
            Some(stop) if self.is_dispatched && !self.is_stopped => Some(stop),
            _ => None,
        }
    }
}

/// Decider of batches.
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
                Some(Stop::Undo(_)) => Err(Refusal::WrongState(
                    "the undo of the batch was already requested".to_owned(),
                )),
            },
            (Some(_), BatchCommand::Undo(why)) => match state.stop {
                None | Some(Stop::Cancel) => Ok(vec![why.clone().into()]),
                Some(Stop::Undo(_)) => Ok(Vec::new()),
            },
            (Some(_), BatchCommand::RecordCancelled(outcome)) => match state.due() {
                Some(Stop::Cancel) => Ok(vec![outcome.clone().into()]),
                // An undo was requested meanwhile and revokes more, or the outcome is already
                // recorded.
                Some(Stop::Undo(_)) | None => Ok(Vec::new()),
            },
            (Some(_), BatchCommand::RecordUndone(outcome)) => match state.due() {
                Some(Stop::Undo(_)) => Ok(vec![outcome.clone().into()]),
                Some(Stop::Cancel) | None => Ok(Vec::new()),
            },
        }
    }

    fn data_subject(_: &str, _: &BatchState, event: &BatchEvent) -> Option<DataSubject> {
        match event {
            BatchEvent::BatchRequested(_)
            | BatchEvent::BatchDispatched(_)
            | BatchEvent::BatchCancelRequested(_)
            | BatchEvent::BatchCancelled(_)
            | BatchEvent::BatchUndoRequested(_)
            | BatchEvent::BatchUndone(_) => None,
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
    let attendee_ids: Vec<_> = request
        .attendee_ids
        .iter()
        .copied()
        .filter(|id| seen.insert(*id))
        .collect();
    if attendee_ids.is_empty() {
        return Err(Refusal::field("attendeeIds", "name at least one attendee"));
    }
    if attendee_ids.len() > MAX_ATTENDEES {
        return Err(Refusal::field(
            "attendeeIds",
            format!("name at most {MAX_ATTENDEES} attendees per call"),
        ));
    }
    Ok(BatchRequested {
        attendee_ids,
        ..request.clone()
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::kernel::decider::spec::given;

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
        BatchDispatched {
            requested: 1,
            existing: 0,
            refused: vec![],
            left: 0,
        }
    }

    #[test]
    fn duplicate_people_in_a_request_are_removed() {
        given::<Batch>(vec![])
            .when(BatchCommand::Request(request(&[1, 2, 1])))
            .then(vec![request(&[1, 2]).into()]);
    }

    #[test]
    fn request_without_people_or_with_too_many_is_refused() {
        given::<Batch>(vec![])
            .when(BatchCommand::Request(request(&[])))
            .then_refused("VALIDATION_ERROR");
        let many: Vec<u128> = (0..=MAX_ATTENDEES as u128).collect();
        given::<Batch>(vec![])
            .when(BatchCommand::Request(request(&many)))
            .then_refused("VALIDATION_ERROR");
    }

    #[test]
    fn dispatch_is_recorded_once() {
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
        BatchUndoRequested {
            reason,
            note: Some("wrong file".to_owned().into()),
        }
    }

    #[test]
    fn batch_is_cancelled_once() {
        let requested: BatchEvent = request(&[1]).into();
        given::<Batch>(vec![requested.clone()])
            .when(BatchCommand::Cancel)
            .then(vec![BatchCancelRequested {}.into()]);
        given::<Batch>(vec![requested, BatchCancelRequested {}.into()])
            .when(BatchCommand::Cancel)
            .then_nothing();
        given::<Batch>(vec![])
            .when(BatchCommand::Cancel)
            .then_refused("NOT_FOUND");
    }

    #[test]
    fn batch_is_undone_once_also_after_a_cancellation() {
        let begun: Vec<BatchEvent> = vec![request(&[1]).into(), BatchCancelRequested {}.into()];
        given::<Batch>(begun.clone())
            .when(BatchCommand::Undo(undo()))
            .then(vec![undo().into()]);
        let undoing = [begun, vec![undo().into()]].concat();
        given::<Batch>(undoing.clone())
            .when(BatchCommand::Undo(undo()))
            .then_nothing();
        given::<Batch>(undoing)
            .when(BatchCommand::Cancel)
            .then_refused("WRONG_STATE");
    }

    #[test]
    fn undo_is_due_only_after_the_dispatch() {
        let undoing: Vec<BatchEvent> = vec![request(&[1]).into(), undo().into()];
        let end = || BatchCommand::RecordUndone(BatchUndone { revoked: 1 });
        given::<Batch>(undoing.clone()).when(end()).then_nothing();
        let dispatched = [undoing, vec![dispatched().into()]].concat();
        assert_eq!(Batch::fold(&dispatched).due(), Some(&Stop::Undo(undo())));
        given::<Batch>(dispatched.clone())
            .when(end())
            .then(vec![BatchUndone { revoked: 1 }.into()]);
        let undone = [dispatched, vec![BatchUndone { revoked: 1 }.into()]].concat();
        assert_eq!(Batch::fold(&undone).due(), None);
        given::<Batch>(undone).when(end()).then_nothing();
    }

    #[test]
    fn late_end_of_a_cancellation_does_not_end_a_requested_undo() {
        let history: Vec<BatchEvent> = vec![
            request(&[1]).into(),
            dispatched().into(),
            BatchCancelRequested {}.into(),
        ];
        let end = || BatchCancelled {
            revoked: 1,
            kept: 0,
        };
        given::<Batch>(history.clone())
            .when(BatchCommand::RecordCancelled(end()))
            .then(vec![end().into()]);
        let undoing = [history, vec![undo().into()]].concat();
        given::<Batch>(undoing)
            .when(BatchCommand::RecordCancelled(end()))
            .then_nothing();
    }
}
