//! Causes of events. A process derives the id of its command from the event that it handles. So the
//! cause of an event is the earlier event from which the same command id can be derived.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::names::Kind;
use crate::domain::certification::attendee::AttendeeEvent;
use crate::domain::certification::batch::BatchEvent;
use crate::domain::certification::import::ImportEvent;
use crate::domain::certification::issuance::IssuanceEvent;
use crate::domain::certification::mail::MailEvent;
use crate::domain::kernel::claim::{ClaimEvent, ClaimKind};
use crate::domain::{CommandId, Event};
use crate::event_log::{EventLog, LogError, Position, RecordedEvent};

/// Actors of the importer, which executes a command for each row and each batch.
const IMPORTER: [&str; 2] = ["importer-row", "importer-batch"];
/// Maximum number of rows in a file (the limit of XLSX is 1,048,576).
const MAX_ROWS: usize = 1 << 20;

/// Cause of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A process executed the command in response to this event.
    Trigger(Place),
    /// The same command also wrote this event to another aggregate.
    SameCommand(Place),
}

/// Location of the causing event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    position: Position,
    event_type: String,
    aggregate: String,
    id: String,
}

impl Cause {
    /// Returns the cause in words.
    pub fn text(&self) -> String {
        let (why, place) = match self {
            Self::Trigger(place) => ("because of", place),
            Self::SameCommand(place) => ("together with", place),
        };
        format!(
            "{why} {} at {} ({} {})",
            place.event_type, place.position, place.aggregate, place.id
        )
    }

    /// Returns the cause as JSON.
    pub fn as_json(&self) -> Value {
        let (relation, place) = match self {
            Self::Trigger(place) => ("answers", place),
            Self::SameCommand(place) => ("sameCommand", place),
        };
        json!({
            "relation": relation,
            "position": place.position,
            "type": place.event_type,
            "aggregate": place.aggregate,
            "id": place.id,
        })
    }
}

/// Finds causes. Each related aggregate is loaded once.
pub struct Causes<'a> {
    log: &'a EventLog,
    loaded: HashMap<(Kind, String), Vec<RecordedEvent>>,
}

impl<'a> Causes<'a> {
    /// Creates a finder that has loaded no aggregate.
    pub fn new(log: &'a EventLog) -> Self {
        Self {
            log,
            loaded: HashMap::new(),
        }
    }

    /// Returns the cause of an event of `history`. Searches `history` first, then the aggregate
    /// that the event names.
    ///
    /// # Errors
    /// Fails if the log can't be read.
    pub async fn of(
        &mut self,
        event: &RecordedEvent,
        history: &[RecordedEvent],
    ) -> Result<Option<Cause>, LogError> {
        if let Some(cause) = find_cause(history, event) {
            return Ok(Some(cause));
        }
        for (kind, id) in event
            .decode()
            .map(|event| related(&event))
            .unwrap_or_default()
        {
            let key = (kind, id);
            if !self.loaded.contains_key(&key) {
                let events = self.log.load(key.0.0, &key.1, 0).await?;
                self.loaded.insert(key.clone(), events);
            }
            if let Some(cause) = self
                .loaded
                .get(&key)
                .and_then(|events| find_cause(events, event))
            {
                return Ok(Some(cause));
            }
        }
        Ok(None)
    }
}

fn find_cause(candidates: &[RecordedEvent], event: &RecordedEvent) -> Option<Cause> {
    let place = |found: &RecordedEvent| Place {
        position: found.position,
        event_type: found.event_type.clone(),
        aggregate: found.aggregate.clone(),
        id: found.id.clone(),
    };
    let elsewhere =
        |found: &&RecordedEvent| (&found.aggregate, &found.id) != (&event.aggregate, &event.id);
    let same = candidates
        .iter()
        .find(|found| found.command_id == event.command_id && elsewhere(found));
    if let Some(found) = same {
        return Some(Cause::SameCommand(place(found)));
    }
    let earlier = candidates
        .iter()
        .rev()
        .filter(|found| found.position < event.position);
    earlier
        .into_iter()
        .find(|found| is_response(event, found))
        .map(|found| Cause::Trigger(place(found)))
}

/// Returns true if a process executed the event's command in response to the earlier event.
fn is_response(event: &RecordedEvent, earlier: &RecordedEvent) -> bool {
    let commands = match earlier.decode() {
        Ok(Event::Batch(BatchEvent::BatchRequested(request))) => request.attendee_ids.len(),
        Ok(Event::Import(ImportEvent::ImportRequested(_))) if is_importer(&event.actor) => MAX_ROWS,
        _ => 1,
    };
    // Workers number their outcomes: 0 for success, 1 for failure.
    (0..=commands)
        .any(|n| CommandId::of_process(earlier.event_id, &event.actor, n) == event.command_id)
}

fn is_importer(actor: &str) -> bool {
    IMPORTER.iter().any(|name| actor.starts_with(name))
}

/// Returns the aggregates that the event names and that may contain its cause.
fn related(event: &Event) -> Vec<(Kind, String)> {
    let (kind, id) = match event {
        Event::Attendee(AttendeeEvent::AttendeeImported(e)) => {
            ("import", e.source.map(|s| s.import_id.0))
        }
        Event::Attendee(AttendeeEvent::AttendeeUpdated(e)) => {
            ("import", e.source.map(|s| s.import_id.0))
        }
        Event::Issuance(IssuanceEvent::CertificateRequested(e)) => match e.origin.batch_id {
            Some(batch) => ("batch", Some(batch.0)),
            None => ("import", e.origin.import_id.map(|import| import.0)),
        },
        Event::Batch(BatchEvent::BatchRequested(e)) => {
            ("import", e.import_id.map(|import| import.0))
        }
        Event::Mail(MailEvent::EmailQueued(e)) => ("issuance", Some(e.issuance_id.0)),
        Event::Claim(ClaimEvent::ClaimTaken(e)) => (holder(e.kind), Some(e.owner)),
        Event::Claim(ClaimEvent::ClaimReleased(e)) => (holder(e.kind), Some(e.owner)),
        _ => return Vec::new(),
    };
    id.map(|id| (Kind(kind), id.to_string()))
        .into_iter()
        .collect()
}

const fn holder(kind: ClaimKind) -> &'static str {
    match kind {
        ClaimKind::AttendeeEmail | ClaimKind::AttendeeDocument | ClaimKind::AttendeeNameAtEmail => {
            "attendee"
        }
        ClaimKind::UserEmail | ClaimKind::UserName => "user",
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    fn event(position: Position, event_type: &str, aggregate: &str, actor: &str) -> RecordedEvent {
        RecordedEvent {
            position,
            time: datetime!(2026-11-21 12:00 UTC),
            aggregate: aggregate.to_owned(),
            id: "1".to_owned(),
            event_id: Uuid::from_u128(u128::from(position)),
            event_type: event_type.to_owned(),
            command_id: CommandId(Uuid::from_u128(1_000 + u128::from(position))),
            correlation_id: Uuid::nil(),
            actor: actor.to_owned(),
            body: Bytes::from_static(b"{}"),
        }
    }

    #[test]
    fn cause_is_the_event_from_which_the_command_id_is_derived() {
        let earlier = [
            event(1, "CertificateRequested", "issuance", "batch"),
            event(2, "Other", "issuance", "x"),
        ];
        let mut later = event(3, "CertificateGenerated", "issuance", "renderer");
        assert_eq!(find_cause(&earlier, &later), None);
        later.command_id = CommandId::of_process(earlier[0].event_id, "renderer", 0);
        let cause = find_cause(&earlier, &later).expect("found");
        assert_eq!(
            cause.text(),
            "because of CertificateRequested at 1 (issuance 1)"
        );
        later.actor = "mailer".to_owned();
        assert_eq!(
            find_cause(&earlier, &later),
            None,
            "another process makes other ids"
        );
    }

    #[test]
    fn search_covers_as_many_commands_as_the_event_can_cause() {
        let mut batch = event(1, "BatchRequested", "batch", "person");
        let ids: Vec<_> = (0..3).map(Uuid::from_u128).collect();
        batch.body = json!({ "certificateId": Uuid::nil(), "attendeeIds": ids })
            .to_string()
            .into();
        let mut issued = event(2, "CertificateRequested", "issuance", "batch");
        issued.command_id = CommandId::of_process(batch.event_id, "batch", 2);
        assert!(matches!(
            find_cause(std::slice::from_ref(&batch), &issued),
            Some(Cause::Trigger(_))
        ));
        issued.command_id = CommandId::of_process(batch.event_id, "batch", 9);
        assert_eq!(find_cause(&[batch], &issued), None);
    }

    #[test]
    fn events_of_one_command_belong_together() {
        let person = event(1, "AttendeeImported", "attendee", "importer-row");
        let mut claim = event(2, "ClaimTaken", "claim", "importer-row");
        claim.command_id = person.command_id;
        assert_eq!(
            find_cause(&[person], &claim)
                .map(|cause| cause.text())
                .as_deref(),
            Some("together with AttendeeImported at 1 (attendee 1)")
        );
    }
}
