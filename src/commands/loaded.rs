//! State of an aggregate, as seen by a command.

use super::{CommandError, Done};
use crate::domain::{CommandId, Decider, DecodeError, DomainEvent};
use crate::event_log::{Position, RecordedEvent};

/// Aggregate loaded from the log.
#[derive(Debug)]
pub struct Loaded<D: Decider> {
    /// State of the aggregate.
    pub state: D::State,
    /// Position of its last event; 0 if it has none.
    pub position: Position,
    /// Events of the command that it was loaded for, if the command was executed before.
    pub own: Vec<(Position, D::Event)>,
}

impl<D: Decider> Loaded<D> {
    /// Creates an aggregate without events.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: D::State::default(),
            position: 0,
            own: Vec::new(),
        }
    }

    /// Creates an aggregate with this event only. For events that can only be the first one.
    ///
    /// # Errors
    /// This program doesn't know the event.
    pub fn begun_by(event: &RecordedEvent) -> Result<Self, DecodeError> {
        let first = D::Event::decode(&event.event_type, &event.body)?;
        let state = D::evolve(D::State::default(), &first);
        Ok(Self {
            state,
            position: event.position,
            own: Vec::new(),
        })
    }

    /// Returns the result of the command if it was executed before.
    ///
    /// # Errors
    /// The aggregate itself, if the command was not executed before.
    pub(super) fn executed_before(self) -> Result<Done<D>, Self> {
        let Some((position, _)) = self.own.last() else {
            return Err(self);
        };
        let position = *position;
        let events = self.own.into_iter().map(|(_, event)| event).collect();
        Ok(Done {
            state: self.state,
            events,
            position,
            repeated: true,
        })
    }

    /// Folds events into the state. Events of the command `own` are also kept in [`Self::own`].
    pub(super) fn fold(
        &mut self,
        events: &[RecordedEvent],
        own: Option<CommandId>,
    ) -> Result<(), CommandError> {
        for event in events {
            let decoded = D::Event::decode(&event.event_type, &event.body)?;
            self.state = D::evolve(std::mem::take(&mut self.state), &decoded);
            self.position = event.position;
            if own == Some(event.command_id) {
                self.own.push((event.position, decoded));
            }
        }
        Ok(())
    }
}

// A derived `Clone` would require that the decider implements `Clone`.
impl<D: Decider> Clone for Loaded<D> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            position: self.position,
            own: self.own.clone(),
        }
    }
}

impl<D: Decider> Default for Loaded<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: Decider> From<Done<D>> for Loaded<D> {
    /// Returns the aggregate in the state after the command.
    fn from(done: Done<D>) -> Self {
        Self {
            state: done.state,
            position: done.position,
            own: Vec::new(),
        }
    }
}
