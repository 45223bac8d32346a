//! An event as it stands in the log: envelope, position and body.

use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{CommandId, DecodeError, Event};

/// The place of an event in the whole log: its stream sequence, from 1. Positions grow but need not
/// be contiguous.
pub type Position = u64;

/// An event read from the log, upcast to the present version of its type.
#[derive(Clone, Debug)]
pub struct RecordedEvent {
    /// Where it stands.
    pub position: Position,
    /// When it was appended (`ce-time`).
    pub time: OffsetDateTime,
    /// The aggregate's token in the subject, such as `attendee`.
    pub aggregate: String,
    /// The aggregate's id in the subject; a UUID, but for claims.
    pub id: String,
    /// The event's own id (`ce-id`).
    pub event_id: Uuid,
    /// The event's type (`ce-type`), such as `AttendeeImported`.
    pub event_type: String,
    /// The command that caused it (`causation-id`).
    pub command_id: CommandId,
    /// What the whole story started from (`correlation-id`).
    pub correlation_id: Uuid,
    /// Who did it (`actor`): a user's id, or a process's name.
    pub actor: String,
    /// The event's data as JSON.
    pub body: Bytes,
}

impl RecordedEvent {
    /// The event as its own type.
    ///
    /// # Errors
    /// The log holds an event that this program doesn't know: it is older than the log.
    pub fn decode(&self) -> Result<Event, DecodeError> {
        Event::decode(&self.aggregate, &self.event_type, &self.body)
    }

    /// Who and why, for the commands that follow from this event.
    #[must_use]
    pub const fn correlation(&self) -> Uuid {
        self.correlation_id
    }
}

/// What is known about the log as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogInfo {
    /// When the stream was created: another time means another log.
    pub created: OffsetDateTime,
    /// The position of the last event; 0 for an empty log.
    pub last_position: Position,
}
