//! Interface of all aggregates. It is pure and synchronous, and decisions depend only on the
//! aggregate's own history.

use crate::domain::{DataSubject, DomainEvent, Refusal};

/// Decider: turns commands into events, and folds events into state.
///
/// Named after Jérémie Chassaing's "Functional Event Sourcing Decider" (2021).
pub trait Decider {
    /// Name of the aggregate in the subject `<ns>.ev.<aggregate>.<id>`; lower-case letters only.
    const AGGREGATE: &'static str;
    /// State folded from the events. Its default is the state before the first event.
    type State: Default + Clone + Send + Sync;
    /// Intention that may be refused.
    type Command: Send + Sync;
    /// Event enum of the aggregate.
    type Event: DomainEvent;

    /// Returns the events that `command` causes in `state`. The list is empty if nothing changes.
    ///
    /// # Errors
    /// The command is not allowed in this state, or its fields are invalid.
    fn decide(state: &Self::State, command: &Self::Command) -> Result<Vec<Self::Event>, Refusal>;

    /// Returns the state after `event`. Must not panic for any history.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;

    /// Returns the person whose data `event` contains, or `None` if it contains no data of a single
    /// person. `id` is the id of the aggregate, and `state` its state before the event. A new event
    /// type must be decided on here, so the implementation has no `_` arm for events.
    fn data_subject(id: &str, state: &Self::State, event: &Self::Event) -> Option<DataSubject>;

    /// Folds a history into a state.
    fn fold<'a>(events: impl IntoIterator<Item = &'a Self::Event>) -> Self::State {
        events
            .into_iter()
            .fold(Self::State::default(), Self::evolve)
    }
}

/// Given/when/then steps for tests of aggregates.
#[cfg(test)]
pub(crate) mod spec {
    use super::{Decider, Refusal};

    pub(crate) fn given<D: Decider>(history: Vec<D::Event>) -> Given<D> {
        Given(D::fold(&history))
    }

    pub(crate) struct Given<D: Decider>(D::State);

    impl<D: Decider> Given<D>
    where
        D::Event: PartialEq + std::fmt::Debug,
    {
        pub(crate) fn when(&self, command: D::Command) -> Then<D> {
            Then(D::decide(&self.0, &command))
        }
    }

    pub(crate) struct Then<D: Decider>(Result<Vec<D::Event>, Refusal>);

    impl<D: Decider> Then<D>
    where
        D::Event: PartialEq + std::fmt::Debug,
    {
        #[track_caller]
        pub(crate) fn then(self, expected: Vec<D::Event>) {
            assert_eq!(self.0, Ok(expected));
        }

        #[track_caller]
        pub(crate) fn then_nothing(self) {
            assert_eq!(self.0, Ok(Vec::new()));
        }

        #[track_caller]
        pub(crate) fn then_refused(self, code: &str) {
            assert_eq!(self.0.map_err(|refusal| refusal.code()), Err(code));
        }
    }
}
