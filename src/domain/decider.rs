//! The shape that every aggregate has: pure, synchronous, deciding on its own history alone.

use super::{DomainEvent, Refusal};

/// A decider: commands in, events out, state folded from events.
///
/// Named after Jérémie Chassaing's "Functional Event Sourcing Decider" (2021).
pub trait Decider {
    /// The token in the subject `<ns>.ev.<aggregate>.<id>`; lower-case letters only.
    const AGGREGATE: &'static str;
    /// What is remembered of the history; `Default` is the state before any event.
    type State: Default + Clone + Send + Sync;
    /// An intention that may be refused.
    type Command: Send + Sync;
    /// What can have happened.
    type Event: DomainEvent;

    /// What follows from `command` in `state`: nothing, events, or a refusal.
    ///
    /// # Errors
    /// The command isn't allowed in this state, or its fields are not valid.
    fn decide(state: &Self::State, command: &Self::Command) -> Result<Vec<Self::Event>, Refusal>;

    /// The state after `event`. Total: any history that the log holds folds without panic.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;

    /// Folds a history into a state.
    fn fold<'a>(events: impl IntoIterator<Item = &'a Self::Event>) -> Self::State {
        events.into_iter().fold(Self::State::default(), Self::evolve)
    }
}

/// Given/when/then for the aggregates' own tests: the rule reads as a history.
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
