//! An aggregate as a command sees it.

use super::{CommandError, Done};
use crate::domain::{CommandId, Decider, DecodeError, DomainEvent};
use crate::event_log::{Position, RecordedEvent};

/// An aggregate as the log has it.
#[derive(Debug)]
pub struct Loaded<D: Decider> {
    /// Its state.
    pub state: D::State,
    /// The position of its last event; 0 without history.
    pub position: Position,
    /// The events of the command that it was loaded for, if it was executed before.
    pub own: Vec<(Position, D::Event)>,
}

impl<D: Decider> Loaded<D> {
    /// An aggregate without history.
    #[must_use]
    pub fn new() -> Self {
        Self { state: D::State::default(), position: 0, own: Vec::new() }
    }

    /// An aggregate that has this event and no other: for events that can only be the first.
    ///
    /// # Errors
    /// This program doesn't know the event.
    pub fn begun_by(event: &RecordedEvent) -> Result<Self, DecodeError> {
        let first = D::Event::decode(&event.event_type, &event.body)?;
        let state = D::evolve(D::State::default(), &first);
        Ok(Self { state, position: event.position, own: Vec::new() })
    }

    /// What the command did when it was executed before, if it was; otherwise the aggregate.
    ///
    /// # Errors
    /// The aggregate, where the command is new to it.
    pub(super) fn executed_before(self) -> Result<Done<D>, Self> {
        let Some((position, _)) = self.own.last() else { return Err(self) };
        let position = *position;
        let events = self.own.into_iter().map(|(_, event)| event).collect();
        Ok(Done { state: self.state, events, position, repeated: true })
    }

    /// Adds events to the history; those of the command `own` are kept.
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

// Not derived: that would ask the decider itself to be cloneable.
impl<D: Decider> Clone for Loaded<D> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), position: self.position, own: self.own.clone() }
    }
}

impl<D: Decider> Default for Loaded<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: Decider> From<Done<D>> for Loaded<D> {
    /// The aggregate as a command has just left it.
    fn from(done: Done<D>) -> Self {
        Self { state: done.state, position: done.position, own: Vec::new() }
    }
}
