//! State of an aggregate that was loaded for a command.

use super::{CommandError, Done};
use crate::domain::{CommandId, Decider, DecodeError};
use crate::event_log::{Position, RecordedEvent};

/// Aggregate loaded from the log.
#[derive(Debug)]
pub struct Loaded<D: Decider> {
    /// State of the aggregate.
    pub state: D::State,
    /// Position of its last event; 0 if it has none.
    pub position: Position,
    /// Events of the command for which the aggregate was loaded. They exist only if the command has
    /// already been executed.
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

    /// Creates an aggregate that has only this event. Use it for events that are always the first
    /// one.
    ///
    /// # Errors
    /// The event can't be decoded.
    pub fn begun_by(event: &RecordedEvent) -> Result<Self, DecodeError> {
        let first = event.decode_as()?;
        let state = D::evolve(D::State::default(), &first);
        Ok(Self {
            state,
            position: event.position,
            own: Vec::new(),
        })
    }

    /// Returns the result of the command if it has already been executed.
    ///
    /// # Errors
    /// Returns the aggregate itself if the command has not been executed yet.
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

    /// Folds events into the state. Also adds events of the command `own` to [`Self::own`].
    pub(super) fn fold(
        &mut self,
        events: &[RecordedEvent],
        own: Option<CommandId>,
    ) -> Result<(), CommandError> {
        for event in events {
            let decoded = event.decode_as()?;
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
    /// Returns the aggregate with its state after the command.
    fn from(done: Done<D>) -> Self {
        Self {
            state: done.state,
            position: done.position,
            own: Vec::new(),
        }
    }
}
