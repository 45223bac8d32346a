//! Timers: lets a scheduled mail go when its time has come.
//!
//! The server says that a timer has fired; whether the mail is due is decided on the log. A timer that
//! fires twice, too early or for a mail that was cancelled does nothing.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::mailer::timer_of;
use crate::commands::{CommandContext, CommandError, Commands};
use crate::domain::email::{Email, EmailCommand};
use crate::domain::{CommandId, EmailId, Refusal};
use crate::event_log::LogError;

/// The name under which timers act.
const ACTOR: &str = "timers";
/// How many mails are let go at once; they share group commits.
const AT_ONCE: usize = 64;
/// How long to wait before a lost consumer is opened again.
const REOPEN_AFTER: Duration = Duration::from_millis(500);
/// How long to wait before a mail that could not be let go is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// What became of a mail whose time may have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// It is on its way.
    Now,
    /// Its time is yet to come; its timer is set.
    Later,
    /// It isn't scheduled (any more).
    Not,
}

/// Lets a scheduled mail go if it is due, and sets its timer if it is not.
///
/// # Errors
/// The log can't be used.
pub async fn release_if_due(commands: &Commands, id: EmailId) -> Result<Released, CommandError> {
    let command_id = CommandId(Uuid::new_v4());
    let correlation_id = command_id.0;
    let context = CommandContext { command_id, correlation_id, actor: ACTOR.to_owned(), traceparent: None };
    let release = EmailCommand::ReleaseDue { now: commands.now() };
    let done = match commands.execute::<Email>(&context, id, release).await {
        Ok(done) => done,
        Err(CommandError::Refused(Refusal::NotFound(_))) => return Ok(Released::Not),
        Err(error) => return Err(error),
    };
    match (done.events.is_empty(), done.state.due) {
        (false, _) => Ok(Released::Now),
        (true, Some(due)) => {
            commands.log().set_timer(&timer_of(&id.to_string()), due).await?;
            Ok(Released::Later)
        }
        (true, None) => Ok(Released::Not),
    }
}

/// The worker on timers that have fired.
pub struct Timers {
    commands: Commands,
}

impl Timers {
    /// One on a log.
    #[must_use]
    pub const fn new(commands: Commands) -> Self {
        Self { commands }
    }

    /// Runs until `shutdown`.
    ///
    /// # Errors
    /// The consumer doesn't exist: the namespace was not provisioned.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), LogError> {
        let (timers, places) = (Arc::new(self), Arc::new(Semaphore::new(AT_ONCE)));
        let tasks = TaskTracker::new();
        while !shutdown.is_cancelled() {
            match timers.open().await {
                Ok(mut messages) => loop {
                    let Some(Ok(place)) = shutdown.run_until_cancelled(places.clone().acquire_owned()).await
                    else {
                        break;
                    };
                    let Some(Some(Ok(message))) = shutdown.run_until_cancelled(messages.next()).await else {
                        break;
                    };
                    let timers = timers.clone();
                    tasks.spawn(async move {
                        timers.settle(&message).await;
                        drop(place);
                    });
                },
                Err(error @ LogError::NotProvisioned) => return Err(error),
                Err(error) => tracing::warn!(%error, "the timers are not available; trying again"),
            }
            shutdown.run_until_cancelled(tokio::time::sleep(REOPEN_AFTER)).await;
        }
        tasks.close();
        tasks.wait().await;
        Ok(())
    }

    async fn open(&self) -> Result<pull::Stream, LogError> {
        let log = self.commands.log();
        let stream = log.context().get_stream(log.names().timers()).await?;
        let unavailable = |error: &dyn std::fmt::Display| LogError::Unavailable(error.to_string());
        let consumer: PullConsumer = stream.get_consumer("timers").await.map_err(|e| unavailable(&e))?;
        consumer.messages().await.map_err(|e| unavailable(&e))
    }

    async fn settle(&self, message: &Message) {
        let due = self.commands.log().names().parse_due(message.subject.as_str());
        let id = due.and_then(|name| name.strip_prefix("email.")).and_then(|id| id.parse::<EmailId>().ok());
        let kind = match id {
            None => {
                tracing::error!("a timer that is nobody's; passed over");
                AckKind::Term
            }
            Some(id) => match release_if_due(&self.commands, id).await {
                Ok(released) => {
                    metrics::counter!("laureate_timers_total", "outcome" => label(released)).increment(1);
                    AckKind::Ack
                }
                Err(error) => {
                    tracing::warn!(%id, %error, "a mail whose time has come could not be let go; trying again");
                    AckKind::Nak(Some(AGAIN_AFTER))
                }
            },
        };
        if let Err(error) = message.ack_with(kind).await {
            tracing::warn!(%error, "an acknowledgement was not sent; the timer will come again");
        }
    }
}

const fn label(released: Released) -> &'static str {
    match released {
        Released::Now => "released",
        Released::Later => "early",
        Released::Not => "void",
    }
}
