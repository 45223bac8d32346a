//! Several decisions that are written together or not at all.

use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{CommandContext, CommandError, Commands, Done, Loaded, Snapshot};
use crate::domain::{Decider, DomainEvent};
use crate::event_log::{Append, Commit, NewEvent, Position};

/// Collects decisions; each aggregate is decided at most once. A handle: clones collect together.
#[derive(Clone)]
pub struct Transaction {
    commands: Commands,
    context: Arc<CommandContext>,
    snapshot: Snapshot,
    collected: Arc<Mutex<Collected>>,
}

#[derive(Default)]
struct Collected {
    seen: Vec<(&'static str, String, Position)>,
    appends: Vec<Append>,
}

impl Transaction {
    pub(super) fn new(commands: &Commands, context: Arc<CommandContext>, snapshot: Snapshot) -> Self {
        Self { commands: commands.clone(), context, snapshot, collected: Arc::default() }
    }

    /// A poisoned lock still holds whole entries: nothing between lock and unlock can panic half-way.
    fn collected(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads an aggregate to look at it, without deciding on it.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn look<D: Decider>(&self, id: impl Display) -> Result<Loaded<D>, CommandError> {
        let id = id.to_string();
        let own = Some(self.context.command_id);
        let loaded = match self.snapshot.loaded::<D>(self.commands.log().names(), &id, own)? {
            Some(loaded) => loaded,
            None => self.commands.load_for::<D>(&id, own).await?,
        };
        self.collected().seen.push((D::AGGREGATE, id, loaded.position));
        Ok(loaded)
    }

    /// Decides a command on an aggregate. One that was executed before under this command id gives
    /// its old events and writes nothing.
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

    /// Decides a command on an aggregate that was just looked at in this transaction.
    ///
    /// # Errors
    /// The command is refused.
    pub fn decide_loaded<D: Decider>(
        &self,
        id: impl Display,
        loaded: Loaded<D>,
        command: &D::Command,
    ) -> Result<Done<D>, CommandError> {
        if let Some((position, _)) = loaded.own.last() {
            let position = *position;
            let events = loaded.own.into_iter().map(|(_, event)| event).collect();
            return Ok(Done { state: loaded.state, events, position, repeated: true });
        }
        let events = D::decide(&loaded.state, command)?;
        let state = events.iter().fold(loaded.state, D::evolve);
        if !events.is_empty() {
            self.append::<D>(id.to_string(), loaded.position, &events);
        }
        Ok(Done { state, events, position: loaded.position, repeated: false })
    }

    fn append<D: Decider>(&self, id: String, expected: Position, events: &[D::Event]) {
        let time = self.commands.now();
        let events = events
            .iter()
            .enumerate()
            .map(|(index, event)| NewEvent {
                event_id: self.context.command_id.event_id(D::AGGREGATE, &id, index),
                event_type: event.event_type(),
                time,
                command_id: self.context.command_id,
                correlation_id: self.context.correlation_id,
                actor: self.context.actor.clone(),
                traceparent: self.context.traceparent.clone(),
                body: Bytes::from(event.body().to_string()),
            })
            .collect();
        self.collected().appends.push(Append { aggregate: D::AGGREGATE, id, expected, events });
    }

    /// What is to be written; nothing where no decision gave an event.
    pub(super) fn commit(&self) -> Option<Commit> {
        let appends = &self.collected().appends;
        (!appends.is_empty()).then(|| Commit::new(self.commands.log().names(), appends))
    }

    /// Whether everything that was looked at is as the log's leader has it.
    pub(super) async fn is_current(&self) -> Result<bool, CommandError> {
        let seen = self.collected().seen.clone();
        for (aggregate, id, position) in seen {
            if self.commands.log().leader_position(aggregate, &id).await? != position {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
