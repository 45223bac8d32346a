//! Transaction: several decisions that are written atomically.

use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Aggregates, CommandContext, CommandError, Commands, Done, Loaded, Wanted};
use crate::domain::{CommandId, DataSubject, Decider, DomainEvent};
use crate::event_log::{Append, Cause, Commit, Consistency, NewEvent, Position};

/// Transaction that collects decisions. It decides each aggregate at most once. Clones share the
/// collection.
///
/// The first attempt reads from any replica. Later attempts read the leader's state. The aggregates
/// of an attempt are verified: the append checks the expected positions of those to which it
/// writes. Before that, the positions of all others are compared with the leader's state, except
/// for those that were loaded together at the leader.
#[derive(Clone)]
pub struct Transaction {
    commands: Commands,
    context: Arc<CommandContext>,
    is_first_attempt: bool,
    collected: Arc<Mutex<Collected>>,
}

#[derive(Default)]
struct Collected {
    /// Aggregates that were loaded before the transaction.
    given: Arc<Aggregates>,
    /// Aggregates that the transaction has loaded together.
    prepared: Aggregates,
    seen: Vec<Seen>,
    /// True if events of this command were found.
    repeated: bool,
    appends: Vec<Append>,
}

/// Aggregate that the transaction has read.
#[derive(Clone)]
pub(super) struct Seen {
    aggregate: &'static str,
    id: String,
    position: Position,
    /// True if it was loaded together with others at the leader.
    is_proven: bool,
    /// True if the commit writes to it.
    is_written: bool,
}

impl Transaction {
    /// Creates a transaction. Only the first attempt uses the aggregates `given` and assumptions.
    pub(super) fn new(
        commands: &Commands,
        context: Arc<CommandContext>,
        given: &Arc<Aggregates>,
        is_first_attempt: bool,
    ) -> Self {
        let mut collected = Collected::default();
        if is_first_attempt {
            collected.given = given.clone();
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
        let known = self.collected().known::<D>(&self.commands, &id, own)?;
        let is_proven = known.as_ref().is_some_and(|(_, is_proven)| *is_proven);
        let at = if self.is_first_attempt {
            Consistency::Any
        } else {
            self.leader()
        };
        let loaded = match known {
            Some((loaded, _)) => loaded,
            None => self.commands.load_for::<D>(&id, own, &at).await?,
        };
        let mut collected = self.collected();
        collected.repeated |= !loaded.own.is_empty();
        collected.seen.push(Seen {
            aggregate: D::AGGREGATE,
            id,
            position: loaded.position,
            is_proven,
            is_written: false,
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
            is_proven: false,
            is_written: false,
        });
        Ok(assumed)
    }

    /// Loads aggregates together, so that [`Self::look`] doesn't have to load each of them.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn prepare(&self, wanted: Wanted) -> Result<(), CommandError> {
        let mut prepared = std::mem::take(&mut self.collected().prepared);
        let at = self.leader();
        self.commands
            .load_together(&mut prepared, wanted, &at)
            .await?;
        self.collected().prepared = prepared;
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
        // An earlier look may have read an older state. Only the expected position is checked by
        // the append.
        for seen in &mut collected.seen {
            let is_same = seen.aggregate == D::AGGREGATE && seen.id == id;
            if is_same && seen.position == expected {
                seen.is_written = true;
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

    /// Returns the aggregates to which the commit writes, with their expected positions.
    pub(super) fn written(&self) -> Vec<Seen> {
        let collected = self.collected();
        let written = collected.seen.iter().filter(|seen| seen.is_written);
        written.cloned().collect()
    }

    /// Returns true if one of the aggregates in `written` has a later position now. `written` has
    /// the expected positions of the commit of an earlier attempt. That commit is then in the log,
    /// or can't be written any more.
    pub(super) fn is_after(&self, written: &[Seen]) -> bool {
        let collected = self.collected();
        let is_same = |a: &Seen, b: &Seen| a.aggregate == b.aggregate && a.id == b.id;
        collected.seen.iter().any(|now| {
            written
                .iter()
                .any(|before| is_same(now, before) && now.position > before.position)
        })
    }

    /// Returns true if no aggregate that this transaction has read has changed since, according to
    /// the leader. Aggregates that were loaded together at the leader are not checked again. Before
    /// an append, those to which it writes are not checked, because the append checks their
    /// expected positions.
    pub(super) async fn verify(&self, is_appending: bool) -> Result<bool, CommandError> {
        let mut seen = self.collected().seen.clone();
        seen.retain(|seen| !(seen.is_proven || is_appending && seen.is_written));
        let log = self.commands.log();
        let subject = |seen: &Seen| log.names().aggregate(seen.aggregate, &seen.id);
        let subjects: Vec<String> = seen.iter().map(subject).collect();
        let positions = log.last_positions(&subjects, &self.leader()).await?;
        Ok(subjects.iter().zip(&seen).all(|(subject, seen)| {
            let last = positions.get(subject).copied().unwrap_or(0);
            last <= seen.position
        }))
    }
}

impl Collected {
    /// Returns an aggregate that was loaded together with others, and true if it was loaded at the
    /// leader.
    fn known<D: Decider>(
        &self,
        commands: &Commands,
        id: &str,
        own: Option<CommandId>,
    ) -> Result<Option<(Loaded<D>, bool)>, CommandError> {
        let names = commands.log().names();
        match self.prepared.loaded::<D>(names, id, own)? {
            Some(prepared) => Ok(Some(prepared)),
            None => self.given.loaded::<D>(names, id, own),
        }
    }
}
