//! Event as recorded in the log: envelope, position and body.

use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{CausedBy, Via};
use crate::domain::{CommandId, DataSubject, DecodeError, DomainEvent, Event, Recognition};

/// Position of an event in the log: its stream sequence, from 1. Positions increase but may have
/// gaps.
pub type Position = u64;

/// Event read from the log, upcast to the current schema version of its type.
#[derive(Clone, Debug)]
pub struct RecordedEvent {
    /// Position in the log.
    pub position: Position,
    /// Time of the event (`ce-time`).
    pub time: OffsetDateTime,
    /// Kind of the aggregate, such as `attendee`. It is a part of the subject.
    pub aggregate: String,
    /// Id of the aggregate. It is a UUID, except for claims.
    pub id: String,
    /// Id of the event (`ce-id`).
    pub event_id: Uuid,
    /// Type of the event (`ce-type`), such as `AttendeeImported`.
    pub event_type: String,
    /// Schema version of that type, after upcasting.
    pub schema: u32,
    /// Command that wrote the event (`command-id`).
    pub command_id: CommandId,
    /// Event in response to which a process executed the command (`caused-by`). `None` for a
    /// person's command.
    pub caused_by: Option<CausedBy>,
    /// Origin of the chain of commands and events (`correlation-id`).
    pub correlation_id: Uuid,
    /// Actor (`actor`): a user's id, or the name of a process.
    pub actor: String,
    /// Request with which a person sent the command (`request-id`).
    pub request_id: Option<String>,
    /// Credential of that request (`via`).
    pub via: Option<Via>,
    /// Person whose data the event contains (`data-subject`).
    pub data_subject: Option<DataSubject>,
    /// Names of the workers that handle the event, separated by commas (`for`).
    pub workers: String,
    /// Data of the event as JSON.
    pub body: Bytes,
}

impl RecordedEvent {
    /// Decodes the event into its own type.
    ///
    /// # Errors
    /// This program doesn't know the aggregate's kind or the event's type or version, or the body
    /// is invalid.
    pub fn decode(&self) -> Result<Event, DecodeError> {
        Event::decode(&self.aggregate, &self.event_type, self.schema, &self.body)
    }

    /// Decodes the event of an aggregate whose kind is known.
    ///
    /// # Errors
    /// See [`Self::decode`].
    pub fn decode_as<E: DomainEvent>(&self) -> Result<E, DecodeError> {
        E::decode(&self.event_type, self.schema, &self.body)
    }

    /// Returns the recognition of the event: this program may know its type and version, only its
    /// type, or neither.
    #[must_use]
    pub fn recognition(&self) -> Recognition {
        Recognition::of(&self.aggregate, &self.event_type, self.schema)
    }

    /// Returns a text for operators about an event whose type or version this program doesn't know.
    #[must_use]
    pub fn needs_newer_program(&self) -> String {
        let Self {
            position,
            event_type,
            schema,
            ..
        } = self;
        let known = Event::schema_of(&self.aggregate, event_type);
        let program = if known.is_some_and(|known| *schema < known) {
            "an older program, and this one has no upcaster for it; use the older program"
        } else {
            "a newer program; use that program"
        };
        format!("event {position} ({event_type}, schema version {schema}) is of {program}")
    }

    /// Returns true if the program that wrote the event has a worker of this name that handles it.
    #[must_use]
    pub fn is_for(&self, worker: &str) -> bool {
        self.workers.split(',').any(|name| name == worker)
    }
}

/// Creation time and last position of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogInfo {
    /// Creation time of the stream. If it differs, the log is another one.
    pub created: OffsetDateTime,
    /// Position of the last event; 0 if the log is empty.
    pub last_position: Position,
}
