//! Reading of aggregates, one by one or many together.
//!
//! Each read has a [`Consistency`]. A caller that acts on "it is not there" or "not yet" outside a
//! transaction reads with [`Consistency::Leader`].

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{CommandError, Commands, Loaded};
use crate::domain::{CommandId, Decider};
use crate::event_log::{Consistency, Names, Position, RecordedEvent};

/// Maximum number of histories that are loaded concurrently.
const AT_ONCE: usize = 64;

/// Histories of aggregates that were loaded together. Cloning is cheap. The default contains
/// nothing.
#[derive(Clone, Default)]
pub struct Aggregates {
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

impl Aggregates {
    /// Returns the state of an aggregate. If the aggregate was not loaded, this is the initial
    /// state.
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

    /// Returns an aggregate if it was loaded.
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
    /// Loads an aggregate with all events that the leader of the log has now.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn load<D: Decider>(&self, id: impl Display) -> Result<Loaded<D>, CommandError> {
        self.load_at::<D>(id, &Consistency::Leader(None)).await
    }

    /// Loads an aggregate with this consistency.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn load_at<D: Decider>(
        &self,
        id: impl Display,
        at: &Consistency,
    ) -> Result<Loaded<D>, CommandError> {
        self.load_for::<D>(&id.to_string(), None, at).await
    }

    /// Like [`Self::load_at`]. Also finds the events of the command `own`.
    pub(super) async fn load_for<D: Decider>(
        &self,
        id: &str,
        own: Option<CommandId>,
        at: &Consistency,
    ) -> Result<Loaded<D>, CommandError> {
        let kind = D::AGGREGATE;
        let mut loaded = Loaded::<D>::new();
        if let Consistency::Any = at {
            let mut more = true;
            while more {
                let page;
                (page, more) = self.log.any_page(kind, id, loaded.position).await?;
                loaded.fold(&page, own)?;
            }
            return Ok(loaded);
        }
        let last = match at {
            // The history itself shows that it includes the cause.
            Consistency::After(cause) if cause.aggregate == kind && cause.id == id => {
                cause.position
            }
            _ => self.log.last_position(kind, id, at).await?,
        };
        while loaded.position < last {
            let page = self.log.page(kind, id, loaded.position, last).await?;
            loaded.fold(&page, own)?;
        }
        Ok(loaded)
    }

    /// Loads aggregates together and adds them to `aggregates`. One request per 1000 aggregates
    /// finds out which of them have events, usually only a few, and only these are loaded.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn load_together(
        &self,
        aggregates: &mut Aggregates,
        wanted: Wanted,
        at: &Consistency,
    ) -> Result<(), CommandError> {
        let named = wanted
            .0
            .into_iter()
            .map(|(kind, id)| (self.log.names().aggregate(kind, &id), (kind, id)));
        let missing: HashMap<_, _> = named
            .filter(|(subject, _)| !aggregates.histories.contains_key(subject))
            .collect();
        let subjects: Vec<String> = missing.keys().cloned().collect();
        let positions = self.log.last_positions(&subjects, at).await?;
        let mut histories = Vec::with_capacity(missing.len());
        let mut loads = Vec::new();
        for (subject, (kind, id)) in missing {
            match positions.get(&subject) {
                Some(last) => loads.push(self.load_history(subject, kind, id, *last)),
                None => histories.push((subject, Vec::new())),
            }
        }
        let loaded: Vec<_> = stream::iter(loads)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Arc::make_mut(&mut aggregates.histories).extend(histories.into_iter().chain(loaded));
        Ok(())
    }

    async fn load_history(
        &self,
        subject: String,
        kind: &'static str,
        id: String,
        last: Position,
    ) -> Result<(String, Vec<RecordedEvent>), CommandError> {
        let mut events: Vec<RecordedEvent> = Vec::new();
        loop {
            let position = events.last().map_or(0, |event| event.position);
            if position >= last {
                return Ok((subject, events));
            }
            events.extend(self.log.page(kind, &id, position, last).await?);
        }
    }
}
