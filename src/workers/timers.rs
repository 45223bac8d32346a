//! Timers: release scheduled mails when they are due.
//!
//! A message of the server reports that a timer has fired. The decider checks whether the mail is
//! due. So a timer that fires twice, too early or for a cancelled mail has no effect.

use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::mailer::timer_of;
use crate::commands::{CommandContext, CommandError, Commands};
use crate::domain::certification::mail::{Mail, MailCommand};
use crate::domain::{CommandId, MailId, Refusal};
use crate::event_log::{Durable, LogError};

/// Actor name in the commands of timers.
const ACTOR: &str = "timers";
/// Maximum number of mails that are released concurrently. The commands share group commits.
const AT_ONCE: usize = 64;
/// Delay before the redelivery of a timer whose mail could not be released.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Outcome of an attempt to release a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// The mail was released.
    Now,
    /// The mail is not due yet. Its timer is set again.
    Later,
    /// The mail was never scheduled or is no longer scheduled.
    Not,
}

/// Releases a scheduled mail if it is due. Otherwise sets its timer.
///
/// # Errors
/// The event log is unavailable.
pub async fn release_if_due(commands: &Commands, id: MailId) -> Result<Released, CommandError> {
    let command_id = CommandId(Uuid::new_v4());
    let correlation_id = command_id.0;
    let context = CommandContext {
        command_id,
        correlation_id,
        caused_by: None,
        actor: ACTOR.to_owned(),
        request_id: None,
        via: None,
        traceparent: None,
    };
    let release = MailCommand::ReleaseDue {
        now: commands.now(),
    };
    let done = match commands.execute::<Mail>(&context, id, release).await {
        Ok(done) => done,
        Err(CommandError::Refused(Refusal::NotFound(_))) => return Ok(Released::Not),
        Err(error) => return Err(error),
    };
    match (done.events.is_empty(), done.state.due) {
        (false, _) => Ok(Released::Now),
        (true, Some(due)) => {
            commands
                .log()
                .set_timer(&timer_of(&id.to_string()), due)
                .await?;
            Ok(Released::Later)
        }
        (true, None) => Ok(Released::Not),
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
    let id = due
        .and_then(|name| name.strip_prefix("email."))
        .and_then(|id| id.parse::<MailId>().ok());
    let Some(id) = id else {
        tracing::error!("timer belongs to no mail, terminated");
        return AckKind::Term;
    };
    match release_if_due(&commands, id).await {
        Ok(released) => {
            metrics::counter!("laureate_timers_total", "outcome" => label(released)).increment(1);
            AckKind::Ack
        }
        Err(error) => {
            tracing::warn!(%id, %error, "cannot release scheduled mail, retrying");
            AckKind::Nak(Some(AGAIN_AFTER))
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
