//! Execution of commands: load → evolve → decide → append. After a conflict, these steps are
//! repeated.
//!
//! A command id is decided only once. Events contain the id of their command. So a command that is
//! executed again finds its own events and changes nothing. Commands are repeated after a retry by
//! a client, a redelivery of a message, or a timeout with an unknown outcome.

pub mod aggregates;
pub mod attendee;
pub mod change_user;
pub mod define_certificate;
pub mod history;
pub mod import_batches;
pub mod import_person;
pub mod issue;
pub mod loaded;
pub mod mails;
pub mod person_claims;
pub mod register_user;
pub mod reset_password;
pub mod second_factor;
pub mod sessions;
pub mod stop_mails;
pub mod transaction;
pub mod version;
pub mod withdraw;

use std::fmt::Display;
use std::sync::Arc;

use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{CommandId, Decider, DecodeError, Refusal};
use crate::event_log::{AppendError, Cause, EventLog, LogError, Position, RecordedEvent, Via};

pub use aggregates::{Aggregates, Wanted};
pub use history::History;
pub use loaded::Loaded;
pub use transaction::Transaction;
pub use version::IfVersion;

/// Maximum number of attempts of a command with conflicts. With a backoff of up to about 1 s, 50
/// concurrent writers to one aggregate all succeed even on a busy machine.
const TRIES: usize = 24;
/// Number of writes without an answer after which the log is regarded as away. Each waits 5 s.
const UNANSWERED: u32 = 4;

/// Reason why the outcome of a command is not known.
const UNSETTLED: &str =
    "it did not respond to a write, which may still be stored; send the same command again";

/// Context of a command: its ids and its actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandContext {
    /// Id of the command. Two commands with the same id have the same intention.
    pub command_id: CommandId,
    /// Correlation id: the origin of a chain of commands and events.
    pub correlation_id: Uuid,
    /// Event in response to which a process executes the command. `None` for a person's command.
    /// Every read of the command includes this event.
    pub caused_by: Option<Cause>,
    /// Id of the user, or name of the process.
    pub actor: String,
    /// Id of the request with which a person sent the command.
    pub request_id: Option<String>,
    /// Credential of that request.
    pub via: Option<Via>,
    /// W3C Trace Context, if any.
    pub traceparent: Option<String>,
}

impl CommandContext {
    /// Creates the context of a user's command, which starts a new chain.
    #[must_use]
    pub fn of_person(command_id: CommandId, user: impl Display) -> Self {
        Self {
            command_id,
            correlation_id: command_id.0,
            caused_by: None,
            actor: user.to_string(),
            request_id: None,
            via: None,
            traceparent: None,
        }
    }

    /// Adds the id of the request with which a person sent the command.
    #[must_use]
    pub fn in_request(self, request_id: impl Into<String>) -> Self {
        Self {
            request_id: Some(request_id.into()),
            ..self
        }
    }

    /// Creates the context of the `n`th command that the process `process` executes because of an
    /// event.
    #[must_use]
    pub fn of_process(event: &RecordedEvent, process: &str, n: usize) -> Self {
        Self {
            command_id: CommandId::of_process(event.event_id, process, n),
            correlation_id: event.correlation_id,
            caused_by: Some(event.into()),
            actor: process.to_owned(),
            request_id: None,
            via: None,
            traceparent: None,
        }
    }
}

/// Error of a command.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The decider refuses the command.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Each attempt had a conflict with another writer of the same aggregate. Try again later.
    #[error("too many requests change the same object at the same time; try again")]
    Busy,
    /// The log can't be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// This program doesn't know an event in the log.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Result of a command on one aggregate.
#[derive(Clone, Debug)]
pub struct Done<D: Decider> {
    /// State after the command.
    pub state: D::State,
    /// Events of the command, written by this call or when the command was first executed.
    pub events: Vec<D::Event>,
    /// Position of the last of these events. If the command has no events, position of the
    /// aggregate.
    pub position: Position,
    /// True if the command had already been executed.
    pub repeated: bool,
}

/// Executor of commands. All changes are made with it. Cloning is cheap.
#[derive(Clone)]
pub struct Commands {
    log: EventLog,
    clock: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>,
}

impl Commands {
    /// Creates an executor on a log. `clock` returns the time for new events.
    pub fn new(log: EventLog, clock: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>) -> Self {
        Self { log, clock }
    }

    /// Returns the log.
    #[must_use]
    pub const fn log(&self) -> &EventLog {
        &self.log
    }

    /// Returns the current time in whole microseconds, the resolution of the query tables.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        (self.clock)().truncate_to_microsecond()
    }

    /// Decides one command on one aggregate and appends its events.
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
        let id = &id;
        let command = &command;
        self.transact(context, |transaction| async move {
            transaction.decide::<D>(id, command).await
        })
        .await
        .map(Done::of)
    }

    /// Like [`Self::execute`], but assumes that the aggregate equals `assumed` instead of loading
    /// it. The expected sequence of the append verifies the assumption. If it is wrong, the
    /// aggregate is loaded and the command is decided again. This halves the cost of commands that
    /// create an aggregate or follow an event that the caller already has.
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
        let id = &id;
        let assumed = &assumed;
        let command = &command;
        self.transact(context, |transaction| async move {
            let loaded = transaction.look_assuming::<D>(id, assumed.clone()).await?;
            transaction.decide_loaded(id, loaded, command)
        })
        .await
        .map(Done::of)
    }

    /// Runs `body`, which decides on several aggregates, and appends all events atomically. After a
    /// conflict, `body` runs again. It must decide only through the transaction.
    ///
    /// # Errors
    /// `body` refuses, or the log can't be used.
    pub async fn transact<T, F>(
        &self,
        context: &CommandContext,
        body: impl Fn(Transaction) -> F,
    ) -> Result<Committed<T>, CommandError>
    where
        F: Future<Output = Result<T, CommandError>>,
    {
        self.transact_on(&Arc::default(), context, body).await
    }

    /// Like [`Self::transact`], but uses aggregates that were loaded together before, at the leader
    /// and after the cause of the command. If `body` writes to one that has changed since, the
    /// append conflicts, and the next attempt loads everything.
    ///
    /// # Errors
    /// `body` refuses, or the log can't be used.
    pub async fn transact_on<T, F>(
        &self,
        aggregates: &Arc<Aggregates>,
        context: &CommandContext,
        body: impl Fn(Transaction) -> F,
    ) -> Result<Committed<T>, CommandError>
    where
        F: Future<Output = Result<T, CommandError>>,
    {
        let context = Arc::new(context.clone());
        let mut unanswered = 0;
        // Aggregates of the commits of earlier attempts that may still be written.
        let mut unsettled = Vec::new();
        for attempt in 0..TRIES {
            let transaction = Transaction::new(self, context.clone(), aggregates, attempt == 0);
            let outcome = match body(transaction.clone()).await {
                Ok(value) => Ok(value),
                Err(CommandError::Refused(refusal)) => Err(refusal),
                Err(error) => return Err(error),
            };
            let commit = transaction.take_commit().filter(|_| outcome.is_ok());
            let Some(commit) = commit else {
                // Nothing to write. The reason may be a replica that lags, so the positions are
                // compared with the leader's.
                if !transaction.verify(false).await? {
                    backoff(attempt).await;
                    continue;
                }
                let repeated = outcome.is_ok() && transaction.is_repeated();
                // A commit without an answer may still be written, unless an aggregate to which it
                // writes has changed.
                unsettled.retain(|written: &Vec<_>| !transaction.is_after(written));
                if !repeated && !unsettled.is_empty() {
                    return Err(LogError::Unavailable(UNSETTLED.to_owned()).into());
                }
                return Ok(Committed {
                    value: outcome?,
                    positions: Vec::new(),
                });
            };
            if !transaction.verify(true).await? {
                backoff(attempt).await;
                continue;
            }
            match self.log.append(commit).await {
                Ok(positions) => {
                    return Ok(Committed {
                        value: outcome?,
                        positions,
                    });
                }
                Err(AppendError::Conflict) => {}
                // The events may have been written. The next attempt finds them by their command
                // id.
                Err(AppendError::Unknown(why)) => {
                    unsettled.push(transaction.written());
                    unanswered += 1;
                    if unanswered == UNANSWERED {
                        return Err(LogError::Unavailable(why).into());
                    }
                }
                Err(AppendError::Unavailable(why)) => return Err(LogError::Unavailable(why).into()),
                Err(AppendError::Refused(description)) => {
                    let code = 0;
                    return Err(LogError::Refused { code, description }.into());
                }
            }
            backoff(attempt).await;
        }
        Err(CommandError::Busy)
    }
}

/// Result of a transaction: a value and the positions of the written events.
#[derive(Clone, Debug)]
pub struct Committed<T> {
    /// Value that `body` returned.
    pub value: T,
    /// Positions of the events that this call wrote, in order; empty if it wrote none.
    pub positions: Vec<Position>,
}

impl<D: Decider> Done<D> {
    /// Sets the position to that of the last event that this call wrote, if any.
    fn of(committed: Committed<Self>) -> Self {
        let position = committed
            .last_position()
            .unwrap_or(committed.value.position);
        Self {
            position,
            ..committed.value
        }
    }
}

impl<T> Committed<T> {
    /// Returns the position of the last event that this call wrote, if any.
    #[must_use]
    pub fn last_position(&self) -> Option<Position> {
        self.positions.last().copied()
    }
}

/// Waits for a random time between 0 and 4 ms × 2^`attempt`, at most 1024 ms.
async fn backoff(attempt: usize) {
    let most = 4_u64 << attempt.min(8);
    let wait = rand::random_range(0..=most);
    tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
}
