//! Consistency of reads.
//!
//! Any replica answers a direct get, and a follower may lag. An answer about one subject doesn't
//! show how far its replica is. The answer to a request for the last events of several subjects
//! does: its end contains the last position of the replica (`Nats-UpTo-Sequence`).

use uuid::Uuid;

use super::{CausedBy, Position, RecordedEvent};

/// Event because of which the caller acts. A read must not miss it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Id of the event.
    pub event_id: Uuid,
    /// Position of the event.
    pub position: Position,
    /// Kind of the event's aggregate.
    pub aggregate: String,
    /// Id of the event's aggregate.
    pub id: String,
}

impl Cause {
    /// Returns the cause as it is recorded in an event.
    #[must_use]
    pub const fn caused_by(&self) -> CausedBy {
        CausedBy {
            event_id: self.event_id,
            position: self.position,
        }
    }
}

impl From<&RecordedEvent> for Cause {
    fn from(event: &RecordedEvent) -> Self {
        Self {
            event_id: event.event_id,
            position: event.position,
            aggregate: event.aggregate.clone(),
            id: event.id.clone(),
        }
    }
}

/// Oldest state of the log that a read may return.
#[derive(Clone, Debug)]
pub enum Consistency {
    /// State of any replica. Use it only for a decision that is verified afterwards.
    Any,
    /// State at or after an event. Use it for data that the caller only looks at.
    After(Cause),
    /// State of the leader at the time of the call, or later. It includes the given event and all
    /// events that this process has written or read. So a leader that was replaced can't hide them.
    /// For some seconds, it can hide newer events of other processes. Use it before a refusal, a
    /// negative answer, or a decision to do nothing.
    Leader(Option<Cause>),
}

impl Consistency {
    /// Returns the consistency for data that a reaction to `event` only looks at.
    #[must_use]
    pub fn after(event: &RecordedEvent) -> Self {
        Self::After(event.into())
    }

    /// Returns the consistency for a reaction to `event` that may end in a negative answer.
    #[must_use]
    pub fn leader_after(event: &RecordedEvent) -> Self {
        Self::Leader(Some(event.into()))
    }
}
