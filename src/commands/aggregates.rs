//! Reading of aggregates, one by one or many together.
//!
//! Each read has a [`Consistency`]. A caller that acts on "it is not there" or "not yet" outside a
//! transaction reads with [`Consistency::Leader`].

use std::collections::HashMap;
use std::fmt::Display;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{CommandError, Commands, Loaded};
use crate::domain::{CommandId, Decider};
use crate::event_log::{Consistency, Names, Position, RecordedEvent};

/// Maximum number of histories that are loaded concurrently.
const AT_ONCE: usize = 64;

/// Histories of aggregates that were loaded together. The default contains nothing. It has no
/// `Clone`, because it may contain thousands of histories.
#[derive(Default)]
pub struct Aggregates {
    /// Histories by subject.
    histories: HashMap<String, LoadedHistory>,
}

/// History of an aggregate that was loaded together with others.
struct LoadedHistory {
    /// Events; empty if the aggregate has none.
    events: Vec<RecordedEvent>,
    /// True if it was loaded with [`Consistency::Leader`].
    is_proven: bool,
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
        let loaded = self.loaded::<D>(names, &id.to_string(), None)?;
        Ok(loaded.unwrap_or_default().0.state)
    }

    /// Returns an aggregate if it was loaded, and true if it was loaded with
    /// [`Consistency::Leader`].
    pub(super) fn loaded<D: Decider>(
        &self,
        names: &Names,
        id: &str,
        own: Option<CommandId>,
    ) -> Result<Option<(Loaded<D>, bool)>, CommandError> {
        if self.histories.is_empty() {
            return Ok(None);
        }
        let Some(history) = self.histories.get(&names.aggregate(D::AGGREGATE, id)) else {
            return Ok(None);
        };
        let mut loaded = Loaded::default();
        loaded.fold(&history.events, own)?;
        Ok(Some((loaded, history.is_proven)))
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
        self.fold_until(&mut loaded, id, last, own).await?;
        Ok(loaded)
    }

    /// Loads an aggregate at or after the position `until` of one of its events.
    pub(super) async fn load_until<D: Decider>(
        &self,
        id: impl Display,
        until: Position,
    ) -> Result<Loaded<D>, CommandError> {
        let mut loaded = Loaded::<D>::new();
        self.fold_until(&mut loaded, &id.to_string(), until, None)
            .await?;
        Ok(loaded)
    }

    /// Folds the events after `loaded` until a position, page by page in constant memory.
    async fn fold_until<D: Decider>(
        &self,
        loaded: &mut Loaded<D>,
        id: &str,
        until: Position,
        own: Option<CommandId>,
    ) -> Result<(), CommandError> {
        while loaded.position < until {
            let page = self.log.page(D::AGGREGATE, id, loaded.position, until);
            loaded.fold(&page.await?, own)?;
        }
        Ok(())
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
        let mut loads = Vec::with_capacity(missing.len());
        for (subject, (kind, id)) in missing {
            let until = positions.get(&subject).copied().unwrap_or(0);
            loads.push(self.load_history(subject, kind, id, until));
        }
        let loaded: Vec<_> = stream::iter(loads)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let is_proven = matches!(at, Consistency::Leader(_));
        for (subject, events) in loaded {
            let history = LoadedHistory { events, is_proven };
            aggregates.histories.insert(subject, history);
        }
        Ok(())
    }

    async fn load_history(
        &self,
        subject: String,
        kind: &'static str,
        id: String,
        until: Position,
    ) -> Result<(String, Vec<RecordedEvent>), CommandError> {
        let events = self.log.history(kind, &id, 0, until).await?;
        Ok((subject, events))
    }
}
