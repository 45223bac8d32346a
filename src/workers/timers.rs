//! Timers of mails. A timer that fires releases a mail that is scheduled or waits for its next
//! attempt.
//!
//! Each timer names the event that set it. It releases the mail only if this event is the last one
//! of the mail. So a timer that fires twice, or after the mail was rescheduled, sent or cancelled,
//! has no effect. No clocks are compared.

use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use tokio_util::sync::CancellationToken;

use super::{StateHandle, WorkerStates};
use crate::commands::{CommandContext, CommandError, Commands};
use crate::domain::Decider;
use crate::domain::accounts::notice::Notice;
use crate::domain::certification::mail::Mail;
use crate::domain::kernel::sending::{SendingCommand, SendingDecider};
use crate::event_log::{Durable, LogError, Position};

/// Actor name in the commands of timers.
const ACTOR: &str = "timers";
/// Maximum number of mails that are released concurrently. The commands share group commits.
const AT_ONCE: usize = 64;
/// Delay before the redelivery of a timer whose mail could not be released.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Number of deliveries after which a timer is dropped if the leader doesn't have its event, or if
/// the event or its mail can't be read. The log was then restored to an earlier point, or is
/// damaged. Earlier deliveries are repeated, because a leader that was replaced may have answered.
const MAX_MISSING: i64 = 30;

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

/// Outcome of a fired timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The mail was released.
    Released,
    /// The mail doesn't wait for this timer any more.
    Void,
    /// The leader of the log doesn't have the event that set the timer.
    Missing,
}

/// Releases a mail that waits for a timer, if the event at `position` is its last one.
///
/// # Errors
/// The log can't be used, or an event of the mail can't be decoded.
pub async fn release_due<D: SendingDecider>(
    commands: &Commands,
    id: &str,
    position: Position,
) -> Result<Release, CommandError> {
    let Some(event) = commands.log().find_event_at(position).await? else {
        return Ok(Release::Missing);
    };
    if event.aggregate != D::AGGREGATE || event.id != id {
        return Ok(Release::Void);
    }
    let context = CommandContext::of_process(&event, ACTOR, 0);
    let released = commands
        .transact(&context, |transaction| async move {
            let email = transaction.look::<D>(id).await?;
            if email.position != position {
                return Ok(Release::Void);
            }
            let done = transaction.decide_loaded(id, email, &SendingCommand::ReleaseDue)?;
            Ok(if done.events.is_empty() {
                Release::Void
            } else {
                Release::Released
            })
        })
        .await?;
    Ok(released.value)
}

/// Kind of the mails whose timers are consumed. Notices have a consumer of their own, so that they
/// never wait for a large number of other mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimersOf {
    /// Mails with certificates.
    Mails,
    /// Mails to users about their accounts.
    Notices,
}

impl TimersOf {
    const fn consumer(self) -> &'static str {
        match self {
            Self::Mails => "timers",
            Self::Notices => "notice_timers",
        }
    }
}

/// Consumer of fired timers.
pub struct Timers {
    releases: Releases,
    of: TimersOf,
}

/// Parts for the release of a mail.
#[derive(Clone)]
struct Releases {
    commands: Commands,
    state: StateHandle,
}

impl Timers {
    /// Creates a consumer that executes `commands`. Its state is added to `states`.
    #[must_use]
    pub fn new(commands: Commands, of: TimersOf, states: &WorkerStates) -> Self {
        let state = states.register(of.consumer());
        let releases = Releases { commands, state };
        Self { releases, of }
    }

    /// Runs until `shutdown` is cancelled. It then waits until the running commands have ended. If
    /// only a newer program can handle a timer, stops until the process is restarted.
    ///
    /// # Errors
    /// [`LogError::NotProvisioned`] if the stream of timers doesn't exist.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), LogError> {
        let Self { releases, of } = self;
        let durable = Durable {
            stream: "TIMERS",
            name: of.consumer(),
        };
        let end = shutdown.child_token();
        let log = releases.commands.log();
        let handling = log.handle_messages(durable, AT_ONCE, &end, |message| {
            release(releases.clone(), message)
        });
        let stopping = async {
            releases.state.until_stopped().await;
            end.cancel();
            std::future::pending().await
        };
        tokio::select! {
            handled = handling => handled?,
            () = stopping => {}
        }
        shutdown.cancelled().await;
        Ok(())
    }
}

/// Releases the mail of a fired timer. Returns the kind of acknowledgement for the message.
async fn release(releases: Releases, message: Message) -> AckKind {
    let Releases { commands, state } = releases;
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
    let may_change = message
        .info()
        .is_ok_and(|info| info.delivered < MAX_MISSING);
    let outcome = match released {
        Ok(Release::Released) => "released",
        Ok(Release::Void) => "void",
        Ok(Release::Missing) => {
            if may_change {
                return AckKind::Nak(Some(AGAIN_AFTER));
            }
            tracing::warn!(%id, position, "event of a timer is not in the log, timer dropped");
            "missing"
        }
        Err(CommandError::Decode(unknown)) if unknown.is_unknown() => {
            state.stop(&unknown.to_string());
            return AckKind::Nak(Some(AGAIN_AFTER));
        }
        // The scheduled tasks `due_mails` and `stuck_work` report such a mail in each run.
        Err(
            error @ (CommandError::Decode(_) | CommandError::Log(LogError::Undecodable { .. })),
        ) if !may_change => {
            tracing::error!(%id, position, %error, "mail of a timer cannot be read, timer dropped");
            "unreadable"
        }
        Err(error) => {
            tracing::warn!(%id, %error, "cannot release mail, retrying");
            return AckKind::Nak(Some(AGAIN_AFTER));
        }
    };
    metrics::counter!("laureate_timers_total", "outcome" => outcome).increment(1);
    AckKind::Ack
}
