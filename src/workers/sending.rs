//! Sending of one mail, which the mailer and the notifier share: connect, claim, send, record.
//!
//! The mail is claimed in the log after the server has accepted the recipient and before the
//! content is sent. If the server can't be reached, the worker pauses, and no attempt is counted.

mod delays;
mod recording;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::delays::{busy_delay, spread};
pub use self::recording::RECORD_WITHIN;
use self::recording::{Attempt, verdict_of};
use super::timers::Timer;
use super::{Away, Delivery, Verdict};
use crate::commands::{CommandContext, CommandError, Commands, Loaded};
use crate::domain::kernel::sending::{
    Content, MailDelivery, SendingCommand, SendingDecider, Stage,
};
use crate::domain::{CommandId, Personal};
use crate::event_log::{Cause, Consistency};
use crate::mail::{Begun, Handover, MailProvider, Outgoing, SendOutcome, Unavailable};

/// Longest time for a mail, including the wait for a free connection and for a slow answer. It is
/// long, because a claimed mail that is stopped has an unknown outcome.
pub const DEADLINE: Duration = Duration::from_secs(3 * 3_600);

/// Parts that a worker needs for sending mails.
#[derive(Clone)]
pub struct SendingParts {
    /// Executor of commands.
    pub commands: Commands,
    /// Provider that sends the mails.
    pub provider: Arc<dyn MailProvider>,
    /// Domain in Message-IDs: the domain of the sender's address.
    pub message_id_domain: String,
    /// Delay before the second attempt, after a temporary failure.
    pub first_retry: Duration,
    /// Cancelled when the process stops. Mails that are not claimed yet are then left to a timer.
    pub shutdown: CancellationToken,
}

/// Sender of the mails of one worker.
pub struct Sending {
    parts: SendingParts,
    worker: &'static str,
    metric: &'static str,
}

/// Beginning of an attempt.
pub enum Beginning {
    /// The server has accepted the recipient.
    Accepted(Box<dyn Handover>),
    /// The attempt ended with this verdict.
    Ended(Verdict),
}

impl Sending {
    /// Creates a sender for a worker. `metric` is the name of the counter of outcomes.
    pub const fn new(parts: SendingParts, worker: &'static str, metric: &'static str) -> Self {
        Self {
            parts,
            worker,
            metric,
        }
    }

    /// Returns the executor of commands.
    pub const fn commands(&self) -> &Commands {
        &self.parts.commands
    }

    /// Returns the Message-ID for all attempts of a mail.
    pub fn message_id(&self, id: &str) -> String {
        format!("<{id}@{}>", self.parts.message_id_domain)
    }

    /// Loads the mail of a delivery. Returns `None` unless the mail is queued or claimed.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn load<D: SendingDecider>(
        &self,
        delivery: &Delivery,
    ) -> Result<Option<Loaded<D>>, CommandError> {
        let event = &delivery.event;
        let at = Consistency::leader_after(event);
        let email = self.commands().load_at::<D>(&event.id, &at).await?;
        let is_waiting = matches!(email.state.stage, Stage::Queued | Stage::Claimed);
        Ok(is_waiting.then_some(email))
    }

    /// Returns `None` if the mail may be sent now. Otherwise returns the verdict that ends the
    /// delivery, and sets a timer for a scheduled or retrying mail. The timer releases the mail if
    /// the event of this delivery is still its last one. The release is a separate event, so that
    /// only one delivery at a time may send the mail.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn wait<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        waits_for: MailDelivery,
    ) -> Result<Option<Verdict>, CommandError> {
        let due = match waits_for {
            MailDelivery::Immediate => return Ok(None),
            MailDelivery::Held => return Ok(Some(Verdict::Done)),
            MailDelivery::At(due) => due,
        };
        let timer = Timer {
            aggregate: D::AGGREGATE,
            id: &delivery.event.id,
            position: delivery.event.position,
        };
        let log = self.commands().log();
        log.set_timer(&timer.name(), due).await?;
        Ok(Some(Verdict::Done))
    }

    /// Returns a verdict if mails to the domain of this address must wait, because the server is
    /// slow for it. The caller then doesn't prepare the mail.
    pub fn busy<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        address: &Personal<String>,
    ) -> Option<Verdict> {
        let is_busy = self.parts.provider.is_busy(address);
        is_busy.then(|| considered_later::<D::Content>(delivery))
    }

    /// Begins the dialogue with the mail server. If an available server refuses the mail or gives
    /// no answer, records this as the outcome of the attempt.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn begin<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        email: &Loaded<D>,
        mail: &Outgoing,
    ) -> Result<Beginning, CommandError> {
        let begun = tokio::select! {
            biased;
            () = self.parts.shutdown.cancelled() => return Ok(Beginning::Ended(stopping())),
            begun = self.parts.provider.begin(mail) => begun,
        };
        let outcome = match begun {
            Ok(Begun::Accepted(handover)) => return Ok(Beginning::Accepted(handover)),
            Ok(Begun::Busy) => {
                return Ok(Beginning::Ended(considered_later::<D::Content>(delivery)));
            }
            Ok(Begun::Refused {
                permanent: true,
                answer,
            }) => SendOutcome::Permanent { answer },
            Ok(Begun::Refused { answer, .. }) => SendOutcome::Temporary { answer },
            Err(Unavailable(why)) => {
                let what = Away::MailServer;
                return Ok(Beginning::Ended(Verdict::Away { what, why }));
            }
            Ok(Begun::Unanswered { detail }) => {
                // The probe shows whether the server is away or fails only for this mail.
                if let Err(why) = self.probe().await {
                    let what = Away::MailServer;
                    return Ok(Beginning::Ended(Verdict::Away { what, why }));
                }
                SendOutcome::Unanswered { detail }
            }
        };
        let attempt = Attempt {
            number: email.state.attempt.saturating_add(1),
            is_claimed: false,
        };
        let recorded = self.record(delivery, email.clone(), attempt, outcome).await;
        Ok(Beginning::Ended(recorded?.1))
    }

    /// Claims the mail, sends its content and records the outcome. Sends nothing if the mail can't
    /// be claimed any more.
    ///
    /// `unwanted` is called after the claim. Its argument is a consistency with which reads include
    /// the claim, so that it finds every reason that was recorded before the claim. If it returns a
    /// reason, the content is not sent, and the mail ends with this reason.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn hand_over<D: SendingDecider, F>(
        &self,
        delivery: &Delivery,
        email: Loaded<D>,
        handover: Box<dyn Handover>,
        unwanted: impl FnOnce(Consistency) -> F + Send,
    ) -> Result<Verdict, CommandError>
    where
        F: Future<Output = Result<Option<&'static str>, CommandError>> + Send,
    {
        let shutdown = &self.parts.shutdown;
        if shutdown.is_cancelled() {
            return Ok(stopping());
        }
        let context = self.context(delivery);
        let claimed = self.claim(delivery, email, &context).await?;
        let is_own = !claimed.events.is_empty();
        let state = &claimed.state;
        if state.stage != Stage::Claimed {
            // Instead of the claim, the end after too many attempts without an outcome is recorded.
            let ended = || verdict_of::<D::Content>(state.stage, "unknown", state.attempt);
            return Ok(if is_own { ended() } else { Verdict::Done });
        }
        let claimed: Loaded<D> = claimed.into();
        if !is_own {
            return self.park(delivery, claimed).await;
        }
        let attempt = Attempt {
            number: claimed.state.attempt,
            is_claimed: true,
        };
        let id = &delivery.event.id;
        let claim = Cause {
            event_id: context.command_id.event_id(D::AGGREGATE, id, 0),
            position: claimed.position,
            aggregate: D::AGGREGATE.to_owned(),
            id: id.clone(),
        };
        // Without the content, the connection and its place are free while the outcome is recorded.
        let outcome = match unwanted(Consistency::Leader(Some(claim))).await {
            Ok(Some(why)) => {
                drop(handover);
                let answer = format!("not sent, because {why}");
                let refused = SendOutcome::Permanent { answer };
                let (stage, verdict) = self.record(delivery, claimed, attempt, refused).await?;
                return match stage {
                    Stage::Failed => self.end::<D>(delivery, why).await,
                    _ => Ok(verdict),
                };
            }
            // The shutdown may have begun during the claim. The rest of the grace period may be too
            // short for sending.
            Ok(None) if shutdown.is_cancelled() => {
                drop(handover);
                let detail = "not sent, because the process is stopping".to_owned();
                SendOutcome::Unanswered { detail }
            }
            Ok(None) => handover.send().await,
            Err(error) => {
                drop(handover);
                let detail = format!("not sent, because a check failed: {error}");
                SendOutcome::Unanswered { detail }
            }
        };
        let (_, verdict) = self.record(delivery, claimed, attempt, outcome).await?;
        Ok(verdict)
    }

    /// Ends a mail that no longer has a purpose, without a dead letter. A mail that may have been
    /// sent is abandoned.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn end<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        why: &str,
    ) -> Result<Verdict, CommandError> {
        let reason = why.to_owned().into();
        let cancel = SendingCommand::Cancel { reason };
        match self.execute::<D>(delivery, cancel).await {
            Err(CommandError::Refused(_)) => {
                let why = why.to_owned();
                self.execute::<D>(delivery, SendingCommand::Abandon { why })
                    .await?;
            }
            done => done?,
        }
        Ok(Verdict::Done)
    }

    /// Ends a mail that was given up, unless a later event made it wait for another delivery.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn abandon<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        why: &str,
    ) -> Result<(), CommandError> {
        let why = why.to_owned();
        let event = &delivery.event;
        let abandon = &SendingCommand::Abandon { why };
        self.commands()
            .transact(&self.context(delivery), |transaction| async move {
                let email = transaction.look::<D>(&event.id).await?;
                let is_waiting = matches!(email.state.stage, Stage::Queued | Stage::Retrying);
                if !is_waiting || email.position <= event.position {
                    transaction.decide_loaded(&event.id, email, abandon)?;
                }
                Ok(())
            })
            .await
            .map(drop)
    }

    async fn execute<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        command: SendingCommand<D::Content>,
    ) -> Result<(), CommandError> {
        self.commands()
            .execute::<D>(&self.context(delivery), &delivery.event.id, command)
            .await
            .map(drop)
    }

    /// Checks whether the mail server is available.
    ///
    /// # Errors
    /// It isn't.
    pub async fn probe(&self) -> Result<(), String> {
        let available = self.parts.provider.probe().await;
        available.map_err(|error| error.to_string())
    }

    /// Creates a context with a random command id for each claim and outcome. An id derived from
    /// the delivery count could repeat, because a killed server loses the count. A second worker
    /// would then mistake the first worker's claim for its own and send the mail again.
    pub fn context(&self, delivery: &Delivery) -> CommandContext {
        CommandContext {
            command_id: CommandId(Uuid::new_v4()),
            ..CommandContext::of_process(&delivery.event, self.worker, 0)
        }
    }
}

/// Returns the verdict for a mail that is not begun because the process stops.
fn stopping() -> Verdict {
    Verdict::Again {
        after: Duration::ZERO,
        why: "the process is stopping".to_owned(),
    }
}

/// Returns the verdict for a mail to a slow domain. A timer repeats the work, and no event is
/// recorded.
fn considered_later<M: Content>(delivery: &Delivery) -> Verdict {
    Verdict::Again {
        after: spread(busy_delay::<M>(delivery.attempt)),
        why: "the mail server takes long to answer about this domain".to_owned(),
    }
}
