//! Many aggregates, loaded together: one question for a thousand of them instead of one for each.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{CommandError, Commands, Loaded};
use crate::domain::{CommandId, Decider};
use crate::event_log::{Names, RecordedEvent};

/// Histories that are loaded at once, of those that there are.
const AT_ONCE: usize = 64;

/// Histories of aggregates as they were a moment ago. Cheap to clone; empty by default.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// By subject; an aggregate without events has an empty history.
    histories: Arc<HashMap<String, Vec<RecordedEvent>>>,
}

/// Which aggregates to load.
#[derive(Default)]
pub struct Wanted(Vec<(&'static str, String)>);

impl Wanted {
    /// Adds one; twice the same does no harm.
    pub fn add<D: Decider>(&mut self, id: impl Display) {
        self.0.push((D::AGGREGATE, id.to_string()));
    }
}

impl Snapshot {
    /// An aggregate's state.
    ///
    /// # Errors
    /// The log holds an event that this program doesn't know.
    pub fn state<D: Decider>(&self, names: &Names, id: impl Display) -> Result<D::State, CommandError> {
        Ok(self.loaded::<D>(names, &id.to_string(), None)?.unwrap_or_default().state)
    }

    /// An aggregate, if it is among those that were loaded.
    pub(super) fn loaded<D: Decider>(
        &self,
        names: &Names,
        id: &str,
        own: Option<CommandId>,
    ) -> Result<Option<Loaded<D>>, CommandError> {
        if self.histories.is_empty() {
            return Ok(None);
        }
        let Some(history) = self.histories.get(&names.aggregate(D::AGGREGATE, id)) else { return Ok(None) };
        let mut loaded = Loaded::default();
        loaded.fold(history, own)?;
        Ok(Some(loaded))
    }
}

impl Commands {
    /// Adds aggregates to a snapshot. First it is asked which of them have events at all; usually few do.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn load_into(&self, snapshot: &mut Snapshot, wanted: Wanted) -> Result<(), CommandError> {
        let named =
            wanted.0.into_iter().map(|(kind, id)| (self.log.names().aggregate(kind, &id), (kind, id)));
        let missing: HashMap<_, _> =
            named.filter(|(subject, _)| !snapshot.histories.contains_key(subject)).collect();
        let subjects: Vec<String> = missing.keys().cloned().collect();
        let present = self.log.present(&subjects).await?;
        let mut histories = Vec::with_capacity(missing.len());
        let mut loads = Vec::new();
        for (subject, (kind, id)) in missing {
            if present.contains(&subject) {
                loads.push(self.load_history(subject, kind, id));
            } else {
                histories.push((subject, Vec::new()));
            }
        }
        let loaded: Vec<_> = stream::iter(loads).buffer_unordered(AT_ONCE).try_collect().await?;
        Arc::make_mut(&mut snapshot.histories).extend(histories.into_iter().chain(loaded));
        Ok(())
    }

    async fn load_history(
        &self,
        subject: String,
        kind: &'static str,
        id: String,
    ) -> Result<(String, Vec<RecordedEvent>), CommandError> {
        Ok((subject, self.log.load(kind, &id, 0).await?))
    }
}
