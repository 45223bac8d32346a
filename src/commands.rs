//! From an intention to events: load → evolve → decide → append, and again on a conflict.
//!
//! A command id is decided once. Events carry the id of their command, so a command that is sent
//! again — by an impatient client, a redelivered message, or after a time-out that left its outcome
//! unknown — finds its own events and changes nothing.

pub mod attendee;
pub mod change_user;
pub mod define_certificate;
pub mod import_batches;
pub mod issue;
pub mod loaded;
pub mod mails;
pub mod person_claims;
pub mod register_user;
pub mod reset_password;
pub mod second_factor;
pub mod snapshot;
pub mod stop_mails;
pub mod take_in_row;
pub mod transaction;
pub mod version;
pub mod withdraw;

use std::fmt::Display;
use std::sync::Arc;

use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{CommandId, Decider, DecodeError, DomainEvent, Refusal};
use crate::event_log::{AppendError, EventLog, LogError, Position, RecordedEvent};

pub use loaded::Loaded;
pub use snapshot::Snapshot;
pub use transaction::Transaction;
pub use version::IfVersion;

/// How often a command is decided anew after a conflict before it gives up. With waits of up to a
/// second, fifty writers that all want the same aggregate get their turn on a busy machine.
const TRIES: usize = 24;

/// Who wants something, and as part of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandContext {
    /// The intention; the same id means the same intention.
    pub command_id: CommandId,
    /// What the whole story started from.
    pub correlation_id: Uuid,
    /// A user's id, or a process's name.
    pub actor: String,
    /// W3C Trace Context, where there is one.
    pub traceparent: Option<String>,
}

impl CommandContext {
    /// The context of something that a person wants; it begins a story of its own.
    #[must_use]
    pub fn of_person(command_id: CommandId, user: impl Display) -> Self {
        Self { command_id, correlation_id: command_id.0, actor: user.to_string(), traceparent: None }
    }

    /// The context of the `n`th thing that a process or worker wants because of an event.
    #[must_use]
    pub fn of_process(event: &RecordedEvent, process: &str, n: usize) -> Self {
        Self {
            command_id: CommandId::of_process(event.event_id, process, n),
            correlation_id: event.correlation_id,
            actor: process.to_owned(),
            traceparent: None,
        }
    }
}

/// Why a command came to nothing.
#[derive(Debug, Error)]
pub enum CommandError {
    /// It isn't allowed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Others kept writing to the same aggregate; try again later.
    #[error("the same thing is being changed by many at once; try again")]
    Busy,
    /// The log can't be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log holds an event that this program doesn't know.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// What a command did.
#[derive(Clone, Debug)]
pub struct Done<D: Decider> {
    /// The state after it.
    pub state: D::State,
    /// What it wrote, now or when it was first executed.
    pub events: Vec<D::Event>,
    /// The position of the last event it wrote, or else of the aggregate.
    pub position: Position,
    /// Whether it had been executed before.
    pub repeated: bool,
}

/// The way to change anything; cheap to clone.
#[derive(Clone)]
pub struct Commands {
    log: EventLog,
    clock: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>,
}

impl Commands {
    /// Commands on a log, with the clock that stamps their events.
    pub fn new(log: EventLog, clock: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>) -> Self {
        Self { log, clock }
    }

    /// The log.
    #[must_use]
    pub const fn log(&self) -> &EventLog {
        &self.log
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }

    /// Loads an aggregate.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn load<D: Decider>(&self, id: impl Display) -> Result<Loaded<D>, CommandError> {
        self.load_for::<D>(&id.to_string(), None).await
    }

    /// The state that an aggregate's first event left it in; the initial state where there is none. Enough
    /// for what later events don't change, and cheaper than the whole history.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn load_beginning<D: Decider>(&self, id: impl Display) -> Result<D::State, CommandError> {
        Ok(match self.log.first(D::AGGREGATE, &id.to_string()).await? {
            Some(event) => Loaded::<D>::begun_by(&event)?.state,
            None => D::State::default(),
        })
    }

    /// The last event of an aggregate, if it has any: enough to know whether something happened after
    /// which nothing can happen.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn load_ending<D: Decider>(&self, id: impl Display) -> Result<Option<D::Event>, CommandError> {
        let last = self.log.last(D::AGGREGATE, &id.to_string()).await?;
        Ok(last.map(|event| D::Event::decode(&event.event_type, &event.body)).transpose()?)
    }

    /// Decides one command on one aggregate and appends what follows.
    ///
    /// # Errors
    /// The command is refused, or the log can't be used.
    pub async fn execute<D: Decider>(
        &self,
        context: &CommandContext,
        id: impl Display,
        command: D::Command,
    ) -> Result<Done<D>, CommandError> {
        let id = id.to_string();
        let (id, command) = (&id, &command);
        self.transact(context, |transaction| async move { transaction.decide::<D>(id, command).await })
            .await
            .map(Done::of)
    }

    /// The same without loading first: `assumed` is what the aggregate is taken to be. The append
    /// proves it by its expectation; where it doesn't hold, the aggregate is loaded and decided again.
    /// Halves the work of commands that create something, or follow an event at hand.
    ///
    /// # Errors
    /// The command is refused, or the log can't be used.
    pub async fn execute_assuming<D: Decider>(
        &self,
        context: &CommandContext,
        id: impl Display,
        assumed: Loaded<D>,
        command: D::Command,
    ) -> Result<Done<D>, CommandError> {
        let id = id.to_string();
        let (id, assumed, command) = (&id, &assumed, &command);
        self.transact(context, |transaction| async move {
            let loaded = transaction.look_assuming::<D>(id, assumed.clone()).await?;
            transaction.decide_loaded(id, loaded, command)
        })
        .await
        .map(Done::of)
    }

    /// Decides on several aggregates and appends all that follows, or nothing. The body runs again
    /// after a conflict; it decides only through the transaction.
    ///
    /// # Errors
    /// The body refuses, or the log can't be used.
    pub async fn transact<T, F>(
        &self,
        context: &CommandContext,
        body: impl Fn(Transaction) -> F,
    ) -> Result<Committed<T>, CommandError>
    where
        F: Future<Output = Result<T, CommandError>>,
    {
        self.transact_on(&Snapshot::default(), context, body).await
    }

    /// As [`Self::transact`], with aggregates that were loaded together a moment ago. If somebody has
    /// written to one of them since, the conflict shows it, and the second round loads anew. The body
    /// must not end without a decision on what it saw in the snapshot, unless that may be a moment old.
    ///
    /// # Errors
    /// The body refuses, or the log can't be used.
    pub async fn transact_on<T, F>(
        &self,
        snapshot: &Snapshot,
        context: &CommandContext,
        body: impl Fn(Transaction) -> F,
    ) -> Result<Committed<T>, CommandError>
    where
        F: Future<Output = Result<T, CommandError>>,
    {
        let context = Arc::new(context.clone());
        let mut unsettled = false;
        for attempt in 0..TRIES {
            let transaction = Transaction::new(self, context.clone(), snapshot, attempt == 0);
            let outcome = match body(transaction.clone()).await {
                Ok(value) => Ok(value),
                Err(CommandError::Refused(refusal)) => Err(refusal),
                Err(error) => return Err(error),
            };
            let unproven = transaction.is_unproven();
            let commit = transaction.take_commit().filter(|_| outcome.is_ok());
            let Some(commit) = commit else {
                // Nothing is to be written. A lagging replica must not be the reason, nor may an earlier
                // attempt of unknown outcome still be on its way.
                let repeated = outcome.is_ok() && transaction.is_repeated();
                if repeated || (!unsettled && transaction.is_current().await?) {
                    return Ok(Committed { value: outcome?, positions: Vec::new() });
                }
                unsettled = false;
                backoff(attempt).await;
                continue;
            };
            if unproven {
                continue;
            }
            match self.log.append(commit).await {
                Ok(positions) => return Ok(Committed { value: outcome?, positions }),
                Err(AppendError::Conflict) => {}
                // The events may be there; the next round finds them by their command id.
                Err(AppendError::Unknown(_)) => unsettled = true,
                Err(AppendError::Refused(why)) => return Err(LogError::Unavailable(why).into()),
            }
            backoff(attempt).await;
        }
        Err(CommandError::Busy)
    }

    async fn load_for<D: Decider>(
        &self,
        id: &str,
        own: Option<CommandId>,
    ) -> Result<Loaded<D>, CommandError> {
        let mut loaded = Loaded::<D>::new();
        loop {
            let (events, more) = self.log.load_page(D::AGGREGATE, id, loaded.position).await?;
            loaded.fold(&events, own)?;
            if !more {
                return Ok(loaded);
            }
        }
    }
}

/// What a transaction gave, and where its events stand.
#[derive(Clone, Debug)]
pub struct Committed<T> {
    /// The body's value.
    pub value: T,
    /// The positions of what was written now, in order; empty where nothing was.
    pub positions: Vec<Position>,
}

impl<D: Decider> Done<D> {
    /// With the position of what was written now, if anything was.
    fn of(committed: Committed<Self>) -> Self {
        let position = committed.last_position().unwrap_or(committed.value.position);
        Self { position, ..committed.value }
    }
}

impl<T> Committed<T> {
    /// The position of the last event written, if any.
    #[must_use]
    pub fn last_position(&self) -> Option<Position> {
        self.positions.last().copied()
    }
}

/// Waits a little longer each time, and not as long as others do.
async fn backoff(attempt: usize) {
    let most = 4_u64 << attempt.min(8);
    let wait = rand::random_range(0..=most);
    tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
}
