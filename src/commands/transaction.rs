//! Transaction: several decisions that are written atomically.

use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::try_join_all;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{CommandContext, CommandError, Commands, Done, Loaded, Snapshot};
use crate::domain::{DataSubject, Decider, DomainEvent};
use crate::event_log::{Append, Commit, NewEvent, Position};

/// Transaction that collects decisions. It decides each aggregate at most once. Clones share the
/// collection.
#[derive(Clone)]
pub struct Transaction {
    commands: Commands,
    context: Arc<CommandContext>,
    /// True in the first attempt. Only this attempt uses assumptions.
    assumes: bool,
    snapshot: Snapshot,
    collected: Arc<Mutex<Collected>>,
}

#[derive(Default)]
struct Collected {
    seen: Vec<(&'static str, String, Position)>,
    assumed: Vec<(&'static str, String)>,
    /// True if events of this command were found.
    repeated: bool,
    appends: Vec<Append>,
}

impl Transaction {
    /// Creates a transaction. Only the first attempt uses `snapshot` and assumptions.
    pub(super) fn new(
        commands: &Commands,
        context: Arc<CommandContext>,
        snapshot: &Snapshot,
        is_first_round: bool,
    ) -> Self {
        let snapshot = if is_first_round {
            snapshot.clone()
        } else {
            Snapshot::default()
        };
        let commands = commands.clone();
        let collected = Arc::default();
        Self {
            commands,
            context,
            assumes: is_first_round,
            snapshot,
            collected,
        }
    }

    /// Locks the collection. Its content is consistent even if the lock is poisoned, because no
    /// code under the lock can panic between two changes.
    fn collected(&self) -> MutexGuard<'_, Collected> {
        self.collected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads an aggregate without deciding on it.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn look<D: Decider>(&self, id: impl Display) -> Result<Loaded<D>, CommandError> {
        let id = id.to_string();
        let own = Some(self.context.command_id);
        let loaded = match self
            .snapshot
            .loaded::<D>(self.commands.log().names(), &id, own)?
        {
            Some(loaded) => loaded,
            None => self.commands.load_for::<D>(&id, own).await?,
        };
        let mut collected = self.collected();
        collected.seen.push((D::AGGREGATE, id, loaded.position));
        collected.repeated |= !loaded.own.is_empty();
        drop(collected);
        Ok(loaded)
    }

    /// Like [`Self::look`], but returns `assumed` in the first attempt instead of loading. The
    /// expected sequence of the append verifies the assumption. If it is wrong, the next attempt
    /// loads the aggregate.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn look_assuming<D: Decider>(
        &self,
        id: impl Display,
        assumed: Loaded<D>,
    ) -> Result<Loaded<D>, CommandError> {
        if !self.assumes {
            return self.look::<D>(id).await;
        }
        let id = id.to_string();
        let mut collected = self.collected();
        collected
            .seen
            .push((D::AGGREGATE, id.clone(), assumed.position));
        collected.assumed.push((D::AGGREGATE, id));
        Ok(assumed)
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.commands.now()
    }

    /// Returns the id of an aggregate that this command creates. The id depends only on the command
    /// id, `aggregate` and `about`, so it is the same in each attempt.
    #[must_use]
    pub fn derived_id(&self, aggregate: &str, about: impl Display) -> Uuid {
        self.context
            .command_id
            .event_id(aggregate, &about.to_string(), 0)
    }

    /// Decides a command on an aggregate. If it has already been executed under this command id,
    /// returns the earlier events and writes nothing.
    ///
    /// # Errors
    /// The command is refused, or the log can't be read.
    pub async fn decide<D: Decider>(
        &self,
        id: impl Display,
        command: &D::Command,
    ) -> Result<Done<D>, CommandError> {
        let id = id.to_string();
        let loaded = self.look::<D>(&id).await?;
        self.decide_loaded(id, loaded, command)
    }

    /// Decides a command on an aggregate that this transaction has loaded.
    ///
    /// # Errors
    /// The command is refused.
    pub fn decide_loaded<D: Decider>(
        &self,
        id: impl Display,
        loaded: Loaded<D>,
        command: &D::Command,
    ) -> Result<Done<D>, CommandError> {
        let loaded = match loaded.executed_before() {
            Ok(done) => return Ok(done),
            Err(loaded) => loaded,
        };
        let id = id.to_string();
        let events = D::decide(&loaded.state, command)?;
        let mut state = loaded.state;
        let mut subjects = Vec::with_capacity(events.len());
        for event in &events {
            subjects.push(D::data_subject(&id, &state, event));
            state = D::evolve(state, event);
        }
        if !events.is_empty() {
            self.append::<D>(id, loaded.position, &events, subjects);
        }
        Ok(Done {
            state,
            events,
            position: loaded.position,
            repeated: false,
        })
    }

    /// Adds events of one aggregate to the collection. `subjects` has the data subject of each.
    fn append<D: Decider>(
        &self,
        id: String,
        expected: Position,
        events: &[D::Event],
        subjects: Vec<Option<DataSubject>>,
    ) {
        let time = self.commands.now();
        let context = &self.context;
        let events = events
            .iter()
            .zip(subjects)
            .enumerate()
            .map(|(index, (event, data_subject))| NewEvent {
                event_id: context.command_id.event_id(D::AGGREGATE, &id, index),
                event_type: event.event_type(),
                schema: event.schema(),
                time,
                command_id: context.command_id,
                caused_by: context.caused_by,
                correlation_id: context.correlation_id,
                actor: context.actor.clone(),
                request_id: context.request_id.clone(),
                via: context.via,
                data_subject,
                traceparent: context.traceparent.clone(),
                body: Bytes::from(event.encode()),
            })
            .collect();
        self.collected().appends.push(Append {
            aggregate: D::AGGREGATE,
            id,
            expected,
            events,
        });
    }

    /// Removes the events from the collection and returns them as a commit; `None` if there are no
    /// events.
    pub(super) fn take_commit(&self) -> Option<Commit> {
        let appends = std::mem::take(&mut self.collected().appends);
        (!appends.is_empty()).then(|| Commit::new(self.commands.log().names(), appends))
    }

    /// Returns true if an assumption would not be verified, because the commit doesn't write to
    /// that aggregate.
    pub(super) fn is_unproven(&self) -> bool {
        let Collected {
            assumed, appends, ..
        } = &*self.collected();
        let proves = |append: &Append, (aggregate, id): &(&'static str, String)| {
            append.aggregate == *aggregate && append.id == *id
        };
        assumed
            .iter()
            .any(|assumption| !appends.iter().any(|append| proves(append, assumption)))
    }

    /// Returns true if this command has already been executed.
    pub(super) fn is_repeated(&self) -> bool {
        self.collected().repeated
    }

    /// Returns true if the positions of all loaded aggregates equal those of the log's leader.
    pub(super) async fn is_current(&self) -> Result<bool, CommandError> {
        let seen = self.collected().seen.clone();
        let log = self.commands.log();
        let positions = seen
            .iter()
            .map(|(aggregate, id, _)| log.leader_position(aggregate, id));
        let positions = try_join_all(positions).await?;
        Ok(seen
            .iter()
            .zip(positions)
            .all(|((_, _, seen), leader)| *seen == leader))
    }
}
