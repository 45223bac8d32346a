//! Recording of claims and outcomes, also while the log is away.

use std::time::Duration;

use time::OffsetDateTime;

use super::Sending;
use super::delays::{retry_delay, spread};
use crate::commands::{CommandContext, CommandError, Done, Loaded};
use crate::domain::Refusal;
use crate::domain::kernel::sending::{
    Content, EmailFailed, EmailOutcomeUnknown, EmailSent, NO_OUTCOME, SendingCommand,
    SendingDecider, Stage,
};
use crate::event_log::LogError;
use crate::mail::SendOutcome;
use crate::workers::{Delivery, Verdict};

/// Maximum time for which a claim or an outcome is tried again, counted from the shutdown, or from
/// the first try if this is later.
pub const RECORD_WITHIN: Duration = Duration::from_secs(15);

/// Attempt of which an outcome is recorded.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    /// Number of the attempt.
    pub(super) number: u32,
    /// True if this process has claimed the attempt.
    pub(super) is_claimed: bool,
}

impl Sending {
    /// Records that a claim has no outcome, so that the mail is not sent again.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn park<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        email: Loaded<D>,
    ) -> Result<Verdict, CommandError> {
        let attempt = email.state.attempt;
        let unknown = EmailOutcomeUnknown {
            attempt,
            retry_at: None,
            detail: NO_OUTCOME.to_owned().into(),
        };
        let park = SendingCommand::RecordUnknown(unknown);
        let context = &self.context(delivery);
        let parked = self.insist(is_outage, || {
            let id = &delivery.event.id;
            self.commands()
                .execute_assuming::<D>(context, id, email.clone(), park.clone())
        });
        match parked.await {
            // The mail has changed meanwhile.
            Err(CommandError::Refused(Refusal::WrongState(_))) => Ok(Verdict::Done),
            done => done.map(|_| Verdict::Done),
        }
    }

    /// Claims the next attempt. A claim that may be in the log must not be found without an outcome
    /// later, so it is tried again while the log is away.
    pub(super) async fn claim<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        email: Loaded<D>,
        context: &CommandContext,
    ) -> Result<Done<D>, CommandError> {
        let message_id = self.message_id(&delivery.event.id);
        let claim = SendingCommand::Claim { message_id };
        self.insist(is_outage, || {
            let id = &delivery.event.id;
            self.commands()
                .execute_assuming::<D>(context, id, email.clone(), claim.clone())
        })
        .await
    }

    /// Records the outcome of `attempt`. An outcome must not be lost, so this is tried again after
    /// each error. Only an event that this program can't decode ends it: if it is of a newer
    /// program, the worker stops, and that program continues with the mail. Returns the stage of the
    /// mail and the verdict.
    pub(super) async fn record<D: SendingDecider>(
        &self,
        delivery: &Delivery,
        email: Loaded<D>,
        attempt: Attempt,
        outcome: SendOutcome,
    ) -> Result<(Stage, Verdict), CommandError> {
        let label = outcome.label();
        metrics::counter!(self.metric, "outcome" => label).increment(1);
        let earlier = email.state.failures.saturating_add(email.state.unanswered);
        let delay = spread(retry_delay::<D::Content>(self.parts.first_retry, earlier));
        let context = &self.context(delivery);
        let outcome = &outcome;
        let known = &email;
        let is_temporary = |error: &CommandError| {
            !matches!(error, CommandError::Refused(_) | CommandError::Decode(_))
        };
        let recorded = self.insist(is_temporary, || async move {
            let retry_at = match outcome {
                SendOutcome::Accepted { .. } | SendOutcome::Permanent { .. } => None,
                // nats-server fires the timer of the next attempt, so its clock counts.
                SendOutcome::Temporary { .. }
                | SendOutcome::Unanswered { .. }
                | SendOutcome::Unknown { .. } => {
                    Some(self.commands().log().time_of_timers().await? + delay)
                }
            };
            let command = command_of::<D::Content>(attempt, outcome, retry_at);
            self.commands()
                .execute_assuming::<D>(context, &delivery.event.id, known.clone(), command)
                .await
        });
        match recorded.await {
            Ok(done) => {
                let stage = done.state.stage;
                let verdict = verdict_of::<D::Content>(stage, label, attempt.number);
                Ok((stage, verdict))
            }
            // Another delivery of the same mail has already recorded an outcome.
            Err(CommandError::Refused(Refusal::WrongState(_))) => {
                Ok((email.state.stage, Verdict::Done))
            }
            Err(error) => Err(error),
        }
    }

    /// Repeats an action with a growing delay, as long as its errors are `temporary`.
    async fn insist<T, F>(
        &self,
        temporary: impl Fn(&CommandError) -> bool,
        action: impl Fn() -> F,
    ) -> Result<T, CommandError>
    where
        F: Future<Output = Result<T, CommandError>>,
    {
        let again = async {
            let mut delay = Duration::from_millis(200);
            loop {
                match action().await {
                    Err(error) if temporary(&error) => {
                        let worker = self.worker;
                        if is_outage(&error) {
                            tracing::warn!(worker, %error, "claim or outcome not recorded, retrying");
                        } else {
                            tracing::error!(worker, %error, "outcome not recorded, retrying");
                        }
                    }
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
}

/// Returns the verdict for a mail that this outcome brought to this stage. A mail that ended gets a
/// dead letter, except one of unknown outcome that users see in a list.
pub(super) fn verdict_of<M: Content>(stage: Stage, label: &str, attempt: u32) -> Verdict {
    let is_shown = stage == Stage::Unknown && M::IS_LISTED;
    match stage {
        Stage::Failed | Stage::Unknown if !is_shown => {
            let why = format!("{label} failure at attempt {attempt}");
            match label {
                "permanent" => Verdict::Bounced { why },
                _ => Verdict::GiveUp { why },
            }
        }
        _ => Verdict::Done,
    }
}

/// Returns true if the log is away for a while.
const fn is_outage(error: &CommandError) -> bool {
    matches!(
        error,
        CommandError::Log(LogError::Unavailable(_)) | CommandError::Busy
    )
}

/// Returns the command that records the outcome of an attempt.
fn command_of<M: Content>(
    Attempt {
        number: attempt,
        is_claimed,
    }: Attempt,
    outcome: &SendOutcome,
    retry_at: Option<OffsetDateTime>,
) -> SendingCommand<M> {
    let failure = |permanent, unanswered, answer: &String| {
        let failure = EmailFailed {
            attempt,
            permanent,
            retry_at,
            unanswered,
            answer: answer.clone().into(),
        };
        if is_claimed {
            SendingCommand::RecordFailure(failure)
        } else {
            SendingCommand::RecordUnclaimedFailure(failure)
        }
    };
    match outcome {
        SendOutcome::Accepted { answer } => {
            let answer = answer.clone().into();
            SendingCommand::RecordSent(EmailSent { attempt, answer })
        }
        SendOutcome::Temporary { answer } => failure(false, false, answer),
        SendOutcome::Unanswered { detail } => failure(false, true, detail),
        SendOutcome::Permanent { answer } => failure(true, false, answer),
        SendOutcome::Unknown { detail } => SendingCommand::RecordUnknown(EmailOutcomeUnknown {
            attempt,
            retry_at,
            detail: detail.clone().into(),
        }),
    }
}
