//! Optimistic locking: a change applies only to the version that the client has read. The version
//! is checked against the log. So if two clients change the same version, one change is refused.

use std::fmt::Display;

use super::{CommandContext, CommandError, Commands, Done};
use crate::domain::{Decider, Refusal};
use crate::event_log::Position;

/// Versions of an aggregate to which a change applies. A version is the position of the aggregate's
/// last event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IfVersion(Option<Vec<Position>>);

impl IfVersion {
    /// Accepts any version.
    pub const ANY: Self = Self(None);

    /// Expects one of these versions.
    #[must_use]
    pub const fn one_of(versions: Vec<Position>) -> Self {
        Self(Some(versions))
    }

    /// Refuses a change unless `version` is one of the expected versions.
    ///
    /// # Errors
    /// [`Refusal::Stale`].
    pub fn check(&self, version: Position) -> Result<(), Refusal> {
        match &self.0 {
            Some(versions) if !versions.contains(&version) => Err(Refusal::Stale),
            _ => Ok(()),
        }
    }
}

impl Commands {
    /// Executes the command that `command` returns for the current state, if the aggregate has the
    /// expected version.
    ///
    /// # Errors
    /// The aggregate has another version, the command is refused, or the log can't be used.
    pub async fn change<D: Decider>(
        &self,
        context: &CommandContext,
        id: impl Display,
        if_version: &IfVersion,
        command: impl Fn(&D::State) -> Result<D::Command, Refusal>,
    ) -> Result<Done<D>, CommandError> {
        let id = id.to_string();
        let id = &id;
        let command = &command;
        self.transact(context, |transaction| async move {
            let loaded = match transaction.look::<D>(id).await?.executed_before() {
                Ok(done) => return Ok(done),
                Err(loaded) => loaded,
            };
            let version = loaded.position;
            let command = command(&loaded.state)?;
            let done = transaction.decide_loaded(id, loaded, &command)?;
            // Checked last, so that the refusal for a missing aggregate takes precedence. A refused
            // change writes nothing.
            if_version.check(version)?;
            Ok(done)
        })
        .await
        .map(Done::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_with_a_stale_version_is_refused() {
        assert_eq!(IfVersion::ANY.check(7), Ok(()));
        assert_eq!(IfVersion::one_of(vec![6, 7]).check(7), Ok(()));
        assert_eq!(IfVersion::one_of(vec![6]).check(7), Err(Refusal::Stale));
        assert_eq!(IfVersion::one_of(Vec::new()).check(7), Err(Refusal::Stale));
    }
}
