//! Sending of one mail, which the mailer and the notifier share: connect, claim, send, record.
//!
//! The mail is claimed in the log once the server has accepted the recipient, and before it gets the
//! content. A server that can't be reached costs no attempt: the worker pauses.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::timers::Timer;
use super::{Away, Delivery, Verdict};
use crate::commands::{CommandContext, CommandError, Commands, Done, Loaded};
use crate::domain::kernel::sending::{
    Content, EmailFailed, EmailOutcomeUnknown, EmailSent, SendingCommand, SendingDecider, Stage,
};
use crate::domain::{CommandId, Refusal};
use crate::event_log::{Consistency, LogError, Position};
use crate::mail::{Begun, Handover, MailProvider, Outgoing, SendOutcome, Unavailable};

/// Maximum delay before the next attempt.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(4 * 3_600);
/// Delay before a mail to a slow domain is considered again.
const BUSY_DELAY: Duration = Duration::from_secs(30);
/// Longest time for a mail, including the wait for a place and for a slow answer. A claimed mail
/// that is stopped would have an unknown outcome.
pub const DEADLINE: Duration = Duration::from_secs(3 * 3_600);
/// Maximum time after the shutdown for which a claim or an outcome is tried again while the log is
/// away.
const RECORD_WITHIN: Duration = Duration::from_secs(15);

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
    /// Cancelled when the process stops. Mails that are not claimed yet are then handed back.
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
    /// Creates a sender for a worker. `metric` counts the outcomes.
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

    /// Loads the mail of a delivery, if it waits for this worker. Otherwise, returns the verdict.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn load<D: SendingDecider>(
        &self,
        delivery: &Delivery,
    ) -> Result<Result<Loaded<D>, Verdict>, CommandError> {
        let event = &delivery.event;
        let at = Consistency::leader_after(event);
        let email = self.commands().load_at::<D>(&event.id, &at).await?;
        Ok(match email.state.stage {
            Stage::Queued | Stage::Claimed => Ok(email),
            _ => Err(Verdict::Done),
        })
    }

    /// Sets a timer that releases the mail at `due` if its event at `position` is still the last one.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn set_timer<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        position: Position,
        due: OffsetDateTime,
    ) -> Result<Verdict, CommandError> {
        let timer = Timer {
            aggregate: D::AGGREGATE,
            id: &delivery.event.id,
            position,
        };
        let log = self.commands().log();
        log.set_timer(&timer.name(), due).await?;
        Ok(Verdict::Done)
    }

    /// Begins a dialogue about the mail. A refusal of the recipient is recorded.
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
            () = self.parts.shutdown.cancelled() => {
                return Ok(Beginning::Ended(Verdict::Again {
                    after: Duration::ZERO,
                    why: "the process is stopping".to_owned(),
                }));
            }
            begun = self.parts.provider.begin(mail) => begun,
        };
        let begun = match begun {
            Ok(begun) => begun,
            Err(Unavailable(why)) => {
                let what = Away::MailServer;
                return Ok(Beginning::Ended(Verdict::Away { what, why }));
            }
        };
        match begun {
            Begun::Accepted(handover) => Ok(Beginning::Accepted(handover)),
            Begun::Refused { permanent, answer } => {
                let outcome = if permanent {
                    SendOutcome::Permanent { answer }
                } else {
                    SendOutcome::Temporary { answer }
                };
                let attempt = email.state.attempt + 1;
                let verdict = self.record(delivery, email.clone(), attempt, outcome);
                Ok(Beginning::Ended(verdict.await?))
            }
            // The mail waits for a timer instead of a delivery, so that it is not in the way.
            Begun::Busy if email.state.stage == Stage::Queued => {
                let due = self.commands().now() + spread(BUSY_DELAY);
                let waits = self.set_timer::<D>(delivery, email.position, due).await?;
                Ok(Beginning::Ended(waits))
            }
            Begun::Busy => Ok(Beginning::Ended(Verdict::Again {
                after: spread(BUSY_DELAY),
                why: "the mail server takes long to answer about this domain".to_owned(),
            })),
        }
    }

    /// Claims the mail, sends its content and records the outcome. Nothing is sent if the mail can't
    /// be claimed any more.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn hand_over<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        email: Loaded<D>,
        handover: Box<dyn Handover>,
    ) -> Result<Verdict, CommandError> {
        let message_id = self.message_id(&delivery.event.id);
        let claim = SendingCommand::Claim { message_id };
        let claimed = self.insist(delivery, email, claim).await?;
        if claimed.events.is_empty() || claimed.state.stage != Stage::Claimed {
            return Ok(Verdict::Done);
        }
        let attempt = claimed.state.attempt;
        let outcome = handover.send().await;
        self.record(delivery, claimed.into(), attempt, outcome)
            .await
    }

    /// Ends a mail that was given up.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn abandon<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        why: &str,
    ) -> Result<(), CommandError> {
        let why = why.to_owned();
        let abandon = SendingCommand::Abandon { why };
        self.commands()
            .execute::<D>(&self.context(delivery), &delivery.event.id, abandon)
            .await
            .map(drop)
    }

    /// Checks whether the mail server is available.
    ///
    /// # Errors
    /// It isn't.
    pub async fn probe(&self) -> Result<(), String> {
        let available = self.parts.provider.check().await;
        available.map_err(|error| error.to_string())
    }

    /// Applies the policy to a claim without an outcome, if the mail is not sent again.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn park<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        email: Loaded<D>,
    ) -> Result<Verdict, CommandError> {
        let message_id = self.message_id(&delivery.event.id);
        let claim = SendingCommand::Claim { message_id };
        self.insist(delivery, email, claim).await?;
        Ok(Verdict::Done)
    }

    async fn record<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        email: Loaded<D>,
        attempt: u32,
        outcome: SendOutcome,
    ) -> Result<Verdict, CommandError> {
        let delay = retry_delay::<D::Content>(self.parts.first_retry, email.state.failures);
        let retry_at = Some(self.commands().now() + spread(delay));
        let failure = |permanent, answer: String| {
            SendingCommand::RecordFailure(EmailFailed {
                attempt,
                permanent,
                retry_at,
                answer: answer.into(),
            })
        };
        let (command, label) = match outcome {
            SendOutcome::Accepted { answer } => {
                let answer = answer.into();
                let sent = EmailSent { attempt, answer };
                (SendingCommand::RecordSent(sent), "sent")
            }
            SendOutcome::Temporary { answer } => (failure(false, answer), "temporary"),
            SendOutcome::Permanent { answer } => (failure(true, answer), "permanent"),
            SendOutcome::Unknown { detail } => {
                let unknown = EmailOutcomeUnknown {
                    attempt,
                    retry_at,
                    detail: detail.into(),
                };
                (SendingCommand::RecordUnknown(unknown), "unknown")
            }
        };
        metrics::counter!(self.metric, "outcome" => label).increment(1);
        match self.insist(delivery, email, command).await {
            Ok(done) if done.state.stage == Stage::Failed => {
                let why = format!("{label} failure at attempt {attempt}");
                Ok(match label {
                    "permanent" => Verdict::Bounced { why },
                    _ => Verdict::GiveUp { why },
                })
            }
            Ok(_) => Ok(Verdict::Done),
            // Another delivery of the same mail has already recorded an outcome.
            Err(CommandError::Refused(Refusal::WrongState(_))) => Ok(Verdict::Done),
            Err(error) => Err(error),
        }
    }

    /// Executes a command, again and again while the log is away: an outcome must not be lost, and a
    /// claim that may be in the log must not be found without an outcome later.
    async fn insist<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        email: Loaded<D>,
        command: SendingCommand<D::Content>,
    ) -> Result<Done<D>, CommandError> {
        let context = self.context(delivery);
        let id = &delivery.event.id;
        let again = async {
            let mut delay = Duration::from_millis(200);
            loop {
                let done = self
                    .commands()
                    .execute_assuming::<D>(&context, id, email.clone(), command.clone())
                    .await;
                match done {
                    Err(CommandError::Log(LogError::Unavailable(_)) | CommandError::Busy) => {}
                    done => return done,
                }
                tokio::time::sleep(spread(delay)).await;
                delay = (delay * 2).min(Duration::from_secs(5));
            }
        };
        let given_up = async {
            self.parts.shutdown.cancelled().await;
            tokio::time::sleep(RECORD_WITHIN).await;
        };
        tokio::select! {
            biased;
            done = again => done,
            () = given_up => Err(LogError::Unavailable("the log is away at shutdown".to_owned()).into()),
        }
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

/// Returns the delay before the next attempt, after `failures` earlier failures and a new one.
fn retry_delay<M: Content>(first: Duration, failures: u32) -> Duration {
    let factor = M::DELAY_FACTOR.saturating_pow(failures);
    first.saturating_mul(factor).min(MAX_RETRY_DELAY)
}

/// Varies a delay by up to half, so that mails that fail together are not sent together again.
fn spread(delay: Duration) -> Duration {
    delay.mul_f64(rand::random_range(0.5..1.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::accounts::notice::NoticeQueued;
    use crate::domain::certification::mail::EmailQueued;

    #[test]
    fn delays_grow_with_each_failure() {
        let first = Duration::from_secs(60);
        let mails: Vec<_> = (0..EmailQueued::MAX_FAILURES)
            .map(|n| retry_delay::<EmailQueued>(first, n).as_secs())
            .collect();
        assert_eq!(mails, [60, 240, 960, 3_840, 14_400, 14_400]);
        let notices: Duration = (0..NoticeQueued::MAX_FAILURES - 1)
            .map(|n| retry_delay::<NoticeQueued>(first / 4, n))
            .sum();
        // Longer than greylisting servers usually defer unknown senders.
        assert_eq!(notices.as_secs(), 1_905);
    }

    #[test]
    fn delays_are_spread() {
        let delay = Duration::from_secs(60);
        let spread: Vec<_> = (0..100).map(|_| spread(delay)).collect();
        assert!(spread.iter().all(|it| (30..90).contains(&it.as_secs())));
        assert!(spread.iter().any(|it| *it < delay) && spread.iter().any(|it| *it > delay));
    }
}
