//! Loading of many aggregates together. One request per 1000 aggregates finds out which of them
//! have events.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{CommandError, Commands, Loaded};
use crate::domain::{CommandId, Decider};
use crate::event_log::{Names, RecordedEvent};

/// Maximum number of histories that are loaded concurrently.
const AT_ONCE: usize = 64;

/// Histories of aggregates at the time of loading. Cloning is cheap. The default is an empty
/// snapshot.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// Histories by subject. The history of an aggregate without events is empty.
    histories: Arc<HashMap<String, Vec<RecordedEvent>>>,
}

/// List of aggregates to load.
#[derive(Default)]
pub struct Wanted(Vec<(&'static str, String)>);

impl Wanted {
    /// Adds an aggregate. Duplicates are allowed.
    pub fn add<D: Decider>(&mut self, id: impl Display) {
        self.0.push((D::AGGREGATE, id.to_string()));
    }
}

impl Snapshot {
    /// Returns the state of an aggregate. If the snapshot doesn't contain the aggregate, this is
    /// the initial state.
    ///
    /// # Errors
    /// The log contains an event that this program doesn't know.
    pub fn state<D: Decider>(
        &self,
        names: &Names,
        id: impl Display,
    ) -> Result<D::State, CommandError> {
        Ok(self
            .loaded::<D>(names, &id.to_string(), None)?
            .unwrap_or_default()
            .state)
    }

    /// Returns an aggregate if the snapshot contains it.
    pub(super) fn loaded<D: Decider>(
        &self,
        names: &Names,
        id: &str,
        own: Option<CommandId>,
    ) -> Result<Option<Loaded<D>>, CommandError> {
        if self.histories.is_empty() {
            return Ok(None);
        }
        let Some(history) = self.histories.get(&names.aggregate(D::AGGREGATE, id)) else {
            return Ok(None);
        };
        let mut loaded = Loaded::default();
        loaded.fold(history, own)?;
        Ok(Some(loaded))
    }
}

impl Commands {
    /// Adds aggregates to a snapshot. First finds out which of them have events, usually only a
    /// few, and loads only these.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn load_into(
        &self,
        snapshot: &mut Snapshot,
        wanted: Wanted,
    ) -> Result<(), CommandError> {
        let named = wanted
            .0
            .into_iter()
            .map(|(kind, id)| (self.log.names().aggregate(kind, &id), (kind, id)));
        let missing: HashMap<_, _> = named
            .filter(|(subject, _)| !snapshot.histories.contains_key(subject))
            .collect();
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
        let loaded: Vec<_> = stream::iter(loads)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
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
