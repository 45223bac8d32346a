//! Conclusion of a delivery: acknowledgement, timer for another attempt, or dead letter.

use std::sync::Arc;

use async_nats::jetstream::{AckKind, Message};
use time::OffsetDateTime;

use super::consume::{Delivery, Worker};
use super::dead_letter::{self, DeadLetter};
use super::handling::{Item, Shared, Ticket};
use super::retries::{self, Retry};
use super::verdict::Verdict;
use crate::commands::CommandError;
use crate::event_log::{EventLog, LogError};

impl<W: Worker> Shared<W> {
    /// Acts on a verdict. An error means that the log could not be used, so that nothing happened.
    pub(super) async fn conclude(
        &self,
        ticket: &Ticket,
        delivery: &Delivery,
        verdict: Verdict,
    ) -> Result<(), LogError> {
        match verdict {
            Verdict::Done => settle::<W>(&ticket.message, AckKind::Ack).await,
            Verdict::Failed { why } | Verdict::Away { why, .. } => {
                let now = self.log.time_of_timers().await?;
                let retry = ticket.failed(delivery, now, &why);
                let is_over = self
                    .limits
                    .budget
                    .is_some_and(|budget| retry.age(now) >= budget);
                if is_over {
                    self.abandon(delivery, &why).await?;
                    return self.bury(ticket, delivery, &why, true).await;
                }
                self.repeat(
                    ticket,
                    delivery,
                    &retry,
                    now + retries::delay(retry.attempts),
                )
                .await?;
            }
            Verdict::Again { after, why } => {
                let now = self.log.time_of_timers().await?;
                let retry = ticket.failed(delivery, now, &why);
                self.repeat(ticket, delivery, &retry, now + after).await?;
            }
            Verdict::GiveUp { why } => self.bury(ticket, delivery, &why, true).await?,
            Verdict::Bounced { why } => self.bury(ticket, delivery, &why, false).await?,
        }
        Ok(())
    }

    /// Sets the timer that repeats the work, and acknowledges the message.
    async fn repeat(
        &self,
        ticket: &Ticket,
        delivery: &Delivery,
        retry: &Retry,
        at: OffsetDateTime,
    ) -> Result<(), LogError> {
        retry.set(&self.log, W::NAME, at).await?;
        let position = delivery.event.position;
        let attempt = delivery.attempt;
        let why = &retry.cause;
        tracing::info!(
            worker = W::NAME,
            position,
            attempt,
            why,
            "work failed, timer set"
        );
        settle::<W>(&ticket.message, AckKind::Ack).await;
        Ok(())
    }

    /// Gives up work whose handling has crashed too often. Returns it if the log can't be used.
    pub(super) async fn give_up_crashed(
        self: &Arc<Self>,
        ticket: Ticket,
        delivery: Delivery,
    ) -> Option<Item> {
        let why = "each attempt ended without an outcome: the worker crashed";
        let given_up = async {
            self.abandon(&delivery, why).await?;
            self.bury(&ticket, &delivery, why, true).await
        };
        match given_up.await {
            Ok(()) => None,
            Err(error) => self.hold(ticket, Some(delivery), &error).await,
        }
    }

    /// Records that the work was given up.
    async fn abandon(&self, delivery: &Delivery, why: &str) -> Result<(), LogError> {
        match self.worker.abandon(delivery, why).await {
            Ok(()) => Ok(()),
            // The aggregate can't have such an outcome. The dead letter remains.
            Err(CommandError::Refused(refusal)) => {
                let position = delivery.event.position;
                let code = refusal.code();
                tracing::warn!(
                    worker = W::NAME,
                    position,
                    code,
                    "outcome of given-up work refused"
                );
                Ok(())
            }
            Err(CommandError::Log(error)) => Err(error),
            Err(error @ (CommandError::Busy | CommandError::Decode(_))) => {
                Err(LogError::Unavailable(error.to_string()))
            }
        }
    }

    /// Stores a dead letter and terminates the message.
    async fn bury(
        &self,
        ticket: &Ticket,
        delivery: &Delivery,
        why: &str,
        is_requeued_with_all: bool,
    ) -> Result<(), LogError> {
        let letter = DeadLetter {
            is_requeued_with_all,
            ..DeadLetter::of(W::NAME, delivery, why)
        };
        let request = ticket.retry.as_ref().and_then(|retry| retry.request);
        dead_letter::keep(&self.log, &letter, request).await?;
        terminate(&self.log, &ticket.message, why).await;
        Ok(())
    }
}

impl Ticket {
    /// Returns the timer for the next attempt after a failure.
    fn failed(&self, delivery: &Delivery, now: OffsetDateTime, why: &str) -> Retry {
        let earlier = self.retry.as_ref();
        Retry {
            position: delivery.event.position,
            first_failure: earlier.and_then(|retry| retry.first_failure).or(Some(now)),
            attempts: delivery.attempt,
            cause: why.to_owned(),
            request: earlier.and_then(|retry| retry.request),
        }
    }
}

/// Terminates a message with a reason. `AckKind` of async-nats has no termination with a reason.
/// The server reads the reason from the body.
async fn terminate(log: &EventLog, message: &Message, why: &str) {
    if let Some(reply) = message.reply.clone() {
        let line: String = why.chars().filter(|c| !c.is_control()).take(200).collect();
        // If this message is lost, the event is redelivered and terminated again.
        let _ = log
            .client()
            .publish(reply, format!("+TERM {line}").into())
            .await;
    }
}

pub(super) async fn settle<W: Worker>(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::warn!(worker = W::NAME, %error, "cannot send acknowledgement, event will be redelivered");
    }
}
