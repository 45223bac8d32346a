//! Timers: release scheduled mails, and mails that wait for their next attempt, when they are due.
//!
//! Each timer names the event that set it. It is due as long as this event is the last one of its
//! mail. So a timer that fires twice, or after the mail was rescheduled, sent or cancelled, has no
//! effect. No clocks are compared.

use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use tokio_util::sync::CancellationToken;

use crate::commands::{CommandContext, CommandError, Commands};
use crate::domain::accounts::notice::Notice;
use crate::domain::certification::mail::Mail;
use crate::domain::kernel::sending::{SendingCommand, SendingDecider};
use crate::domain::{Decider, Refusal};
use crate::event_log::{Durable, LogError, Position};

/// Actor name in the commands of timers.
const ACTOR: &str = "timers";
/// Maximum number of mails that are released concurrently. The commands share group commits.
const AT_ONCE: usize = 64;
/// Delay before the redelivery of a timer whose mail could not be released.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Timer of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer<'a> {
    /// Kind of the mail, as in subjects.
    pub aggregate: &'a str,
    /// Id of the mail.
    pub id: &'a str,
    /// Position of the event that set the timer.
    pub position: Position,
}

impl<'a> Timer<'a> {
    /// Returns the name of the timer in subjects.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}.{}", self.aggregate, self.id, self.position)
    }

    /// Parses a name.
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        let (aggregate, rest) = name.split_once('.')?;
        let (id, position) = rest.split_once('.')?;
        Some(Self {
            aggregate,
            id,
            position: position.parse().ok()?,
        })
    }
}

/// Releases a mail that waits for a timer, if the event at `position` is its last one. Returns true
/// if the mail was released.
///
/// # Errors
/// The event log is unavailable, or its leader lacks the event.
pub async fn release_due<D: SendingDecider>(
    commands: &Commands,
    id: &str,
    position: Position,
) -> Result<bool, CommandError> {
    let event = commands.log().event_at(position).await?;
    if event.aggregate != D::AGGREGATE || event.id != id {
        return Ok(false);
    }
    let context = CommandContext::of_process(&event, ACTOR, 0);
    let released = commands
        .transact(&context, |transaction| async move {
            let email = transaction.look::<D>(id).await?;
            if email.position != position {
                return Ok(false);
            }
            let done = transaction.decide_loaded(id, email, &SendingCommand::ReleaseDue)?;
            Ok(!done.events.is_empty())
        })
        .await;
    match released {
        Ok(released) => Ok(released.value),
        Err(CommandError::Refused(Refusal::NotFound(_))) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Consumer of fired timers.
pub struct Timers {
    commands: Commands,
}

impl Timers {
    /// Creates a consumer that executes `commands`.
    #[must_use]
    pub const fn new(commands: Commands) -> Self {
        Self { commands }
    }

    /// Runs until `shutdown` is cancelled. It then waits until the running commands have ended.
    ///
    /// # Errors
    /// [`LogError::NotProvisioned`] if the stream of timers doesn't exist.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), LogError> {
        let durable = Durable {
            stream: "TIMERS",
            name: "timers",
        };
        let log = self.commands.log();
        log.handle_messages(durable, AT_ONCE, &shutdown, |message| {
            release(self.commands.clone(), message)
        })
        .await
    }
}

/// Releases the mail of a fired timer. Returns the kind of acknowledgement for the message.
async fn release(commands: Commands, message: Message) -> AckKind {
    let due = commands.log().names().parse_due(message.subject.as_str());
    let Some(timer) = due.and_then(Timer::parse) else {
        tracing::error!("timer has no valid name, terminated");
        return AckKind::Term;
    };
    let Timer { id, position, .. } = timer;
    let released = match timer.aggregate {
        Mail::AGGREGATE => release_due::<Mail>(&commands, id, position).await,
        Notice::AGGREGATE => release_due::<Notice>(&commands, id, position).await,
        _ => {
            tracing::error!("timer belongs to no mail, terminated");
            return AckKind::Term;
        }
    };
    match released {
        Ok(released) => {
            let outcome = if released { "released" } else { "void" };
            metrics::counter!("laureate_timers_total", "outcome" => outcome).increment(1);
            AckKind::Ack
        }
        Err(error) => {
            tracing::warn!(%id, %error, "cannot release mail, retrying");
            AckKind::Nak(Some(AGAIN_AFTER))
        }
    }
}
