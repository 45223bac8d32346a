//! Dead letters: abandoned work, kept with its cause until an operator requeues it.
//!
//! A worker that crashes on its last attempt can't report that. The server then publishes a max-deliveries
//! advisory. [`Undertaker`] turns it into an outcome event and a dead letter.

use std::collections::HashSet;
use std::time::Duration;

use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Delivery;
use crate::commands::{CommandContext, CommandError, Commands};
use crate::domain::accounts::notice::{Notice, NoticeCommand, NoticeFailed};
use crate::domain::certification::import::{Import, ImportCommand, ImportFailed};
use crate::domain::certification::issuance::{CertificateGenerationFailed, Issuance, IssuanceCommand};
use crate::domain::certification::mail::{Email, EmailCommand};
use crate::event_log::{EventLog, LogError, Position, RecordedEvent};

/// Delay before a lost consumer is opened again.
const REOPEN_AFTER: Duration = Duration::from_millis(500);

/// Abandoned work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Name of the worker that gave up.
    pub worker: String,
    /// Position of the event.
    pub position: Position,
    /// Id of the event.
    pub event_id: Uuid,
    /// Type of the event.
    pub event_type: String,
    /// Kind of the aggregate.
    pub aggregate: String,
    /// Id of the aggregate.
    pub id: String,
    /// Number of deliveries.
    pub attempts: u32,
    /// Reason, without personal data.
    pub cause: String,
}

impl DeadLetter {
    /// Creates the dead letter of a delivery.
    #[must_use]
    pub fn of(worker: &str, delivery: &Delivery, cause: &str) -> Self {
        let event = &delivery.event;
        Self {
            worker: worker.to_owned(),
            position: event.position,
            event_id: event.event_id,
            event_type: event.event_type.clone(),
            aggregate: event.aggregate.clone(),
            id: event.id.clone(),
            attempts: delivery.attempt,
            cause: cause.to_owned(),
        }
    }
}

/// Stores a dead letter and waits until the server has acknowledged it.
///
/// # Errors
/// The server is unreachable or rejects the message.
pub async fn keep(log: &EventLog, letter: &DeadLetter) -> Result<(), LogError> {
    let body = serde_json::to_vec(letter).map_err(|e| LogError::Unavailable(e.to_string()))?;
    let subject = log.names().dead_letter(&letter.worker, &letter.id);
    let unavailable =
        |error: async_nats::jetstream::context::PublishError| LogError::Unavailable(error.to_string());
    log.context().publish(subject, body.into()).await.map_err(unavailable)?.await.map_err(unavailable)?;
    metrics::counter!("laureate_dead_letters_total", "worker" => letter.worker.clone()).increment(1);
    tracing::warn!(
        worker = letter.worker,
        position = letter.position,
        event_type = letter.event_type,
        id = letter.id,
        attempts = letter.attempts,
        cause = letter.cause,
        "work given up, dead letter stored"
    );
    Ok(())
}

/// Stored dead letter with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Sequence number in the stream of dead letters.
    pub number: Position,
    /// Content of the dead letter.
    pub letter: DeadLetter,
}

/// Returns the newest `most` open dead letters of one worker, or of all workers, oldest first. Settled dead
/// letters don't count.
///
/// # Errors
/// The server is unreachable.
pub async fn kept(log: &EventLog, worker: Option<&str>, most: usize) -> Result<Vec<Kept>, LogError> {
    let names = log.names();
    let mut pages = log.kept_backwards(&names.dead_letters(), &names.dead_letter("*", "*")).await?;
    // A note comes after its dead letter, so it is read before it.
    let mut settled: HashSet<Position> = HashSet::new();
    let mut letters = Vec::new();
    while letters.len() < most
        && let Some(page) = pages.next_page().await?
    {
        for (number, body) in page.iter().rev() {
            if let Ok(note) = serde_json::from_slice::<Settled>(body) {
                settled.insert(note.settled);
            } else if !settled.remove(number)
                && let Ok(letter) = serde_json::from_slice::<DeadLetter>(body)
                && worker.is_none_or(|worker| letter.worker == worker)
            {
                letters.push(Kept { number: *number, letter });
            }
        }
    }
    letters.truncate(most);
    letters.reverse();
    Ok(letters)
}

/// Records that the work of a dead letter was requeued. The letter stays in the stream but is not listed any more.
///
/// # Errors
/// The server is unreachable or rejects the message.
pub async fn settle(log: &EventLog, kept: &Kept) -> Result<(), LogError> {
    let note = Settled { settled: kept.number };
    let body = serde_json::to_vec(&note).map_err(|e| LogError::Unavailable(e.to_string()))?;
    let subject = log.names().dead_letter(&kept.letter.worker, &kept.letter.id);
    let unavailable =
        |error: async_nats::jetstream::context::PublishError| LogError::Unavailable(error.to_string());
    log.context().publish(subject, body.into()).await.map_err(unavailable)?.await.map_err(unavailable)?;
    Ok(())
}

/// Message in the stream of dead letters that marks one of them as settled.
#[derive(Serialize, Deserialize)]
struct Settled {
    /// Number of the dead letter.
    settled: Position,
}

/// Used fields of a max-deliveries advisory (`io.nats.jetstream.advisory.v1.max_deliver`).
#[derive(Deserialize)]
struct Advisory {
    consumer: String,
    stream_seq: Position,
    deliveries: u32,
}

/// Consumer of max-deliveries advisories. For each one, it records the outcome event and then stores the dead
/// letter.
pub struct Undertaker {
    commands: Commands,
}

impl Undertaker {
    /// Creates a consumer that executes `commands`.
    #[must_use]
    pub const fn new(commands: Commands) -> Self {
        Self { commands }
    }

    /// Runs until `shutdown` is cancelled.
    ///
    /// # Errors
    /// [`LogError::NotProvisioned`] if the stream of advisories doesn't exist.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), LogError> {
        while !shutdown.is_cancelled() {
            match self.open().await {
                Ok(mut messages) => loop {
                    let next = tokio::select! {
                        () = shutdown.cancelled() => return Ok(()),
                        next = messages.next() => next,
                    };
                    let Some(Ok(message)) = next else { break };
                    self.settle(&message).await;
                },
                Err(error @ LogError::NotProvisioned) => return Err(error),
                Err(error) => tracing::warn!(%error, "advisories unavailable, retrying"),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(REOPEN_AFTER) => {}
            }
        }
        Ok(())
    }

    async fn open(&self) -> Result<pull::Stream, LogError> {
        let log = self.commands.log();
        let stream = log.context().get_stream(log.names().stream("ADVISORIES")).await?;
        let unavailable = |error: &dyn std::fmt::Display| LogError::Unavailable(error.to_string());
        let consumer: PullConsumer = stream.get_consumer("deadletters").await.map_err(|e| unavailable(&e))?;
        consumer.messages().await.map_err(|e| unavailable(&e))
    }

    async fn settle(&self, message: &Message) {
        let kind = match self.bury(&message.payload).await {
            Ok(()) => AckKind::Ack,
            Err(error) => {
                tracing::error!(%error, "cannot handle advisory, retrying");
                AckKind::Nak(Some(Duration::from_secs(2)))
            }
        };
        if let Err(error) = message.ack_with(kind).await {
            tracing::warn!(%error, "cannot send acknowledgement, advisory will be redelivered");
        }
    }

    async fn bury(&self, payload: &[u8]) -> Result<(), CommandError> {
        let Ok(advisory) = serde_json::from_slice::<Advisory>(payload) else {
            tracing::error!("advisory is not readable, skipped");
            return Ok(());
        };
        let log = self.commands.log();
        let batch = log.read_after(advisory.stream_seq - 1).next_batch(1, Duration::from_secs(5)).await?;
        let Some(event) = batch.into_iter().find(|event| event.position == advisory.stream_seq) else {
            return Err(
                LogError::Unavailable("the event of an advisory was not there in time".to_owned()).into()
            );
        };
        self.record_outcome(&advisory.consumer, &event).await?;
        let delivery = Delivery { event, attempt: advisory.deliveries };
        let cause = "no delivery came to an end: the worker stopped at it or put it off each time";
        keep(log, &DeadLetter::of(&advisory.consumer, &delivery, cause)).await?;
        Ok(())
    }

    async fn record_outcome(&self, worker: &str, event: &RecordedEvent) -> Result<(), CommandError> {
        let context = CommandContext::of_process(event, "deadletters", 0);
        let why = "the worker stopped at every try";
        match worker {
            "renderer" => {
                let failure = CertificateGenerationFailed {
                    code: "WORKER_STOPPED".to_owned(),
                    reason: why.to_owned().into(),
                };
                self.commands
                    .execute::<Issuance>(&context, &event.id, IssuanceCommand::RecordFailure(failure))
                    .await?;
            }
            "mailer" => {
                let abandon = EmailCommand::Abandon { why: why.to_owned() };
                self.commands.execute::<Email>(&context, &event.id, abandon).await?;
            }
            "notifier" => {
                let failed = NoticeFailed { answer: why.to_owned().into() };
                let record = NoticeCommand::RecordFailure(failed);
                self.commands.execute::<Notice>(&context, &event.id, record).await?;
            }
            "importer" => {
                let failed = ImportFailed { code: "WORKER_STOPPED".to_owned(), reason: why.to_owned() };
                self.commands.execute::<Import>(&context, &event.id, ImportCommand::Fail(failed)).await?;
            }
            // Process managers record no outcome; the dead letter is all there is.
            _ => {}
        }
        Ok(())
    }
}
