//! Transaction: several decisions that are written atomically.

use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Aggregates, CommandContext, CommandError, Commands, Done, Loaded, Wanted};
use crate::domain::{DataSubject, Decider, DomainEvent};
use crate::event_log::{Append, Cause, Commit, Consistency, NewEvent, Position};

/// Transaction that collects decisions. It decides each aggregate at most once. Clones share the
/// collection.
///
/// The first attempt reads from any replica, and its result is verified: the expected positions of
/// the append verify the aggregates to which it writes. Before that, the positions of aggregates
/// that are only looked at are compared with a state at or after the cause of the command. Later
/// attempts read the leader's state.
#[derive(Clone)]
pub struct Transaction {
    commands: Commands,
    context: Arc<CommandContext>,
    is_first_attempt: bool,
    collected: Arc<Mutex<Collected>>,
}

#[derive(Default)]
struct Collected {
    aggregates: Aggregates,
    seen: Vec<Seen>,
    /// True if events of this command were found.
    repeated: bool,
    appends: Vec<Append>,
}

/// Aggregate that the transaction has read.
#[derive(Clone)]
struct Seen {
    aggregate: &'static str,
    id: String,
    position: Position,
    /// True if it may be older than the cause of the command, and the commit doesn't write to it.
    is_unverified: bool,
}

impl Transaction {
    /// Creates a transaction. Only the first attempt uses `aggregates` and assumptions.
    pub(super) fn new(
        commands: &Commands,
        context: Arc<CommandContext>,
        aggregates: &Aggregates,
        is_first_attempt: bool,
    ) -> Self {
        let mut collected = Collected::default();
        if is_first_attempt {
            collected.aggregates = aggregates.clone();
        }
        Self {
            commands: commands.clone(),
            context,
            is_first_attempt,
            collected: Arc::new(Mutex::new(collected)),
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
        let names = self.commands.log().names();
        let aggregates = self.collected().aggregates.clone();
        let known = aggregates.loaded::<D>(names, &id, own)?;
        let is_unverified = known.is_none() && self.is_first_attempt;
        let at = if self.is_first_attempt {
            Consistency::Any
        } else {
            self.leader()
        };
        let loaded = match known {
            Some(loaded) => loaded,
            None => self.commands.load_for::<D>(&id, own, &at).await?,
        };
        let mut collected = self.collected();
        collected.repeated |= !loaded.own.is_empty();
        collected.seen.push(Seen {
            aggregate: D::AGGREGATE,
            id,
            position: loaded.position,
            is_unverified,
        });
        drop(collected);
        Ok(loaded)
    }

    /// Like [`Self::look`], but returns `assumed` in the first attempt instead of loading. If the
    /// assumption is wrong, the next attempt loads the aggregate.
    ///
    /// # Errors
    /// The log can't be read.
    pub(super) async fn look_assuming<D: Decider>(
        &self,
        id: impl Display,
        assumed: Loaded<D>,
    ) -> Result<Loaded<D>, CommandError> {
        if !self.is_first_attempt {
            return self.look::<D>(id).await;
        }
        self.collected().seen.push(Seen {
            aggregate: D::AGGREGATE,
            id: id.to_string(),
            position: assumed.position,
            is_unverified: true,
        });
        Ok(assumed)
    }

    /// Loads aggregates together, so that [`Self::look`] doesn't have to load each of them.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn prepare(&self, wanted: Wanted) -> Result<(), CommandError> {
        let mut aggregates = self.collected().aggregates.clone();
        let at = self.leader();
        self.commands
            .load_together(&mut aggregates, wanted, &at)
            .await?;
        self.collected().aggregates = aggregates;
        Ok(())
    }

    fn leader(&self) -> Consistency {
        Consistency::Leader(self.context.caused_by.clone())
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
                caused_by: context.caused_by.as_ref().map(Cause::caused_by),
                correlation_id: context.correlation_id,
                actor: context.actor.clone(),
                request_id: context.request_id.clone(),
                via: context.via,
                data_subject,
                traceparent: context.traceparent.clone(),
                body: Bytes::from(event.encode()),
            })
            .collect();
        let mut collected = self.collected();
        for seen in &mut collected.seen {
            if seen.aggregate == D::AGGREGATE && seen.id == id {
                seen.is_unverified = false;
            }
        }
        collected.appends.push(Append {
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

    /// Returns true if this command has already been executed.
    pub(super) fn is_repeated(&self) -> bool {
        self.collected().repeated
    }

    /// Returns true if no aggregate that this transaction has read has events at the leader that
    /// the transaction lacks.
    pub(super) async fn is_current(&self) -> Result<bool, CommandError> {
        let seen = self.collected().seen.clone();
        self.is_at(seen, &self.leader()).await
    }

    /// Returns true if the aggregates that this transaction only looks at were read at or after the
    /// cause of the command. For a user's command, the leader's state counts.
    pub(super) async fn is_recent(&self) -> Result<bool, CommandError> {
        let mut looked_at = self.collected().seen.clone();
        looked_at.retain(|seen| seen.is_unverified);
        let at = match &self.context.caused_by {
            Some(cause) => Consistency::After(cause.clone()),
            None => Consistency::Leader(None),
        };
        self.is_at(looked_at, &at).await
    }

    /// Returns true if none of the aggregates has later events in a state of this consistency.
    async fn is_at(&self, seen: Vec<Seen>, at: &Consistency) -> Result<bool, CommandError> {
        let log = self.commands.log();
        let subject = |seen: &Seen| log.names().aggregate(seen.aggregate, &seen.id);
        let subjects: Vec<String> = seen.iter().map(subject).collect();
        let positions = log.last_positions(&subjects, at).await?;
        Ok(subjects.iter().zip(&seen).all(|(subject, seen)| {
            let last = positions.get(subject).copied().unwrap_or(0);
            last <= seen.position
        }))
    }
}
