//! Event as recorded in the log: envelope, position and body.

use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{CommandId, DecodeError, Event};

/// Position of an event in the log: its stream sequence, from 1. Positions increase but may have
/// gaps.
pub type Position = u64;

/// Event read from the log, upcast to the current version of its type.
#[derive(Clone, Debug)]
pub struct RecordedEvent {
    /// Position in the log.
    pub position: Position,
    /// Time of the event (`ce-time`).
    pub time: OffsetDateTime,
    /// Kind of the aggregate, a token of the subject, such as `attendee`.
    pub aggregate: String,
    /// Id of the aggregate in the subject. It is a UUID, except for claims.
    pub id: String,
    /// Id of the event (`ce-id`).
    pub event_id: Uuid,
    /// Type of the event (`ce-type`), such as `AttendeeImported`.
    pub event_type: String,
    /// Command that caused it (`causation-id`).
    pub command_id: CommandId,
    /// Origin of the chain of commands and events (`correlation-id`).
    pub correlation_id: Uuid,
    /// Actor (`actor`): a user's id, or the name of a process.
    pub actor: String,
    /// Data of the event as JSON.
    pub body: Bytes,
}

impl RecordedEvent {
    /// Decodes the event into its own type.
    ///
    /// # Errors
    /// The event is unknown to this program, which is older than the log, or its body is not valid.
    pub fn decode(&self) -> Result<Event, DecodeError> {
        Event::decode(&self.aggregate, &self.event_type, &self.body)
    }

    /// Returns the correlation id, for the commands that follow from this event.
    #[must_use]
    pub const fn correlation(&self) -> Uuid {
        self.correlation_id
    }
}

/// Creation time and last position of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogInfo {
    /// Creation time of the stream. Another time means another log.
    pub created: OffsetDateTime,
    /// Position of the last event; 0 if the log is empty.
    pub last_position: Position,
}
