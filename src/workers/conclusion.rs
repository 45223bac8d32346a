//! Conclusion of a delivery: acknowledgement, timer for another attempt, or dead letter.

use std::time::Duration;

use async_nats::jetstream::AckKind;
use time::OffsetDateTime;
use tokio::sync::OnceCell;

use super::consume::{Delivery, Worker};
use super::dead_letter::{self, DeadLetter};
use super::handling::{Item, Shared};
use super::retries;
use super::verdict::Verdict;
use crate::commands::CommandError;
use crate::event_log::{EventLog, LogError};

/// Ended attempt to handle a batch.
pub(super) struct Attempt<'l> {
    log: &'l EventLog,
    /// Duration of the work.
    pub duration: Duration,
    /// Time of the server that fires timers, requested once.
    now: OnceCell<OffsetDateTime>,
}

impl<'l> Attempt<'l> {
    pub(super) const fn ended(log: &'l EventLog, duration: Duration) -> Self {
        let now = OnceCell::const_new();
        Self { log, duration, now }
    }

    async fn now(&self) -> Result<OffsetDateTime, LogError> {
        let now = self.now.get_or_try_init(|| self.log.time_of_timers());
        now.await.copied()
    }
}

impl<W: Worker> Shared<W> {
    /// Acts on a verdict. After an error, the message is not acknowledged. The log could not be
    /// used, but some steps may have been executed.
    pub(super) async fn conclude(
        &self,
        item: &Item,
        delivery: &Delivery,
        verdict: Verdict,
        attempt: &Attempt<'_>,
    ) -> Result<(), LogError> {
        match verdict {
            Verdict::Done => self.settle(item, AckKind::Ack).await,
            Verdict::Failed { why } | Verdict::Away { why, .. } => {
                let failing = item.retry.failing_after(attempt.duration);
                if self.limits.budget.is_some_and(|budget| failing >= budget) {
                    return self.abandon(item, delivery, &why).await;
                }
                let after = retries::delay(delivery.attempt);
                let failing = Some(failing + after);
                self.repeat(item, delivery, failing, &why, attempt.now().await? + after)
                    .await?;
            }
            Verdict::Again { after, why } => {
                let failing = item.retry.failing();
                self.repeat(item, delivery, failing, &why, attempt.now().await? + after)
                    .await?;
            }
            Verdict::Newer { why } => self.leave_to_newer(item, &why).await,
            Verdict::GiveUp { why } => self.bury(item, delivery, &why, true).await?,
            Verdict::Bounced { why } => self.bury(item, delivery, &why, false).await?,
        }
        Ok(())
    }

    /// Sets the timer that repeats the work, and acknowledges the message.
    async fn repeat(
        &self,
        item: &Item,
        delivery: &Delivery,
        failing: Option<Duration>,
        why: &str,
        at: OffsetDateTime,
    ) -> Result<(), LogError> {
        let attempt = delivery.attempt;
        let retry = item.retry.again(attempt, failing, why);
        retry.set(&self.log, W::NAME, at).await?;
        let position = delivery.event.position;
        tracing::info!(
            worker = W::NAME,
            position,
            attempt,
            why,
            "work failed, timer set"
        );
        self.settle(item, AckKind::Ack).await;
        Ok(())
    }

    /// Gives up work that has no outcome: records that it was given up, and stores a dead letter.
    pub(super) async fn abandon(
        &self,
        item: &Item,
        delivery: &Delivery,
        why: &str,
    ) -> Result<(), LogError> {
        let position = delivery.event.position;
        match self.worker.abandon(delivery, why).await {
            Ok(()) => {}
            Err(CommandError::Decode(unknown)) if unknown.is_unknown() => {
                self.leave_to_newer(item, &unknown.to_string()).await;
                return Ok(());
            }
            // The aggregate can't have such an outcome, or can't be read. The dead letter is stored
            // nevertheless.
            Err(CommandError::Refused(refusal)) => {
                let code = refusal.code();
                tracing::warn!(
                    worker = W::NAME,
                    position,
                    code,
                    "outcome of given-up work refused"
                );
            }
            Err(
                error @ (CommandError::Decode(_) | CommandError::Log(LogError::Undecodable { .. })),
            ) => {
                tracing::warn!(worker = W::NAME, position, %error, "outcome of given-up work not recorded");
            }
            Err(CommandError::Log(error)) => return Err(error),
            Err(error @ CommandError::Busy) => {
                return Err(LogError::Unavailable(error.to_string()));
            }
        }
        self.bury(item, delivery, why, true).await
    }

    /// Stores a dead letter and terminates the message.
    async fn bury(
        &self,
        item: &Item,
        delivery: &Delivery,
        why: &str,
        is_requeued_with_all: bool,
    ) -> Result<(), LogError> {
        let letter = DeadLetter {
            is_requeued_with_all,
            ..DeadLetter::of(W::NAME, delivery, why)
        };
        dead_letter::keep(&self.log, &letter, item.retry.request).await?;
        self.terminate(item, why).await;
        Ok(())
    }

    /// Stores a dead letter about a message from which no event can be read, and terminates the
    /// message. `aggregate` is the kind and id of the aggregate, if they are known.
    pub(super) async fn bury_unreadable(
        &self,
        item: &Item,
        aggregate: Option<(&str, &str)>,
        why: &str,
    ) -> Result<(), LogError> {
        let position = item.retry.position;
        let letter = DeadLetter::of_unreadable(W::NAME, position, item.delivered, aggregate, why);
        dead_letter::keep(&self.log, &letter, item.retry.request).await?;
        self.terminate(item, why).await;
        Ok(())
    }

    /// Terminates a message with a reason. The server reads the reason from the body of the
    /// acknowledgement. `AckKind` of async-nats has no termination with a reason.
    async fn terminate(&self, item: &Item, why: &str) {
        self.in_hand(item.source).remove(item.sequence);
        if let Some(reply) = item.message.reply.clone() {
            let line: String = why.chars().filter(|c| !c.is_control()).take(200).collect();
            let reason = format!("+TERM {line}");
            // If this acknowledgement is lost, the message is redelivered and handled again.
            let _ = self.log.client().publish(reply, reason.into()).await;
        }
    }
}
