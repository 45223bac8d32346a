//! Dead letters: work that was given up, kept with its cause until a person requeues it.
//!
//! A worker that dies on its last try says nothing; the server then publishes a max-deliveries
//! advisory, which [`Undertaker`] turns into an outcome event and a dead letter all the same.

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
use crate::domain::email::{Email, EmailCommand};
use crate::domain::import::{Import, ImportCommand, ImportFailed};
use crate::domain::issuance::{CertificateGenerationFailed, Issuance, IssuanceCommand};
use crate::domain::notice::{Notice, NoticeCommand, NoticeFailed};
use crate::event_log::{EventLog, LogError, Position, RecordedEvent};

/// How long to wait before a lost consumer is opened again.
const REOPEN_AFTER: Duration = Duration::from_millis(500);

/// Work that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Who gave up.
    pub worker: String,
    /// The event's position.
    pub position: Position,
    /// The event's id.
    pub event_id: Uuid,
    /// The event's type.
    pub event_type: String,
    /// The aggregate's kind.
    pub aggregate: String,
    /// The aggregate's id.
    pub id: String,
    /// How often it was delivered.
    pub attempts: u32,
    /// Why it was given up, without personal data.
    pub cause: String,
}

impl DeadLetter {
    /// The letter for a delivery.
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

/// Stores a dead letter and waits until the server has it.
///
/// # Errors
/// The server can't be reached or refuses.
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
        "given up; a dead letter is kept"
    );
    Ok(())
}

/// A dead letter and the number by which it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its sequence in the stream of dead letters.
    pub number: Position,
    /// The letter.
    pub letter: DeadLetter,
}

/// The dead letters of a worker, or of all, oldest first, at most so many.
///
/// # Errors
/// The server can't be reached.
pub async fn kept(log: &EventLog, worker: Option<&str>, most: usize) -> Result<Vec<Kept>, LogError> {
    let names = log.names();
    let subject = names.dead_letter(worker.filter(|name| is_a_name(name)).unwrap_or("*"), "*");
    let found = log.kept(&names.dead_letters(), &subject, most).await?;
    let settled = |body: &[u8]| serde_json::from_slice::<Settled>(body).ok().map(|note| note.settled);
    let settled: HashSet<Position> = found.iter().filter_map(|(_, body)| settled(body)).collect();
    let open = found.iter().filter(|(number, _)| !settled.contains(number));
    let read = |(number, body): &(Position, bytes::Bytes)| {
        Some(Kept { number: *number, letter: serde_json::from_slice(body).ok()? })
    };
    let letters = open.filter_map(read);
    Ok(letters.filter(|kept| worker.is_none_or(|worker| kept.letter.worker == worker)).collect())
}

/// Notes that the work of a dead letter was done again. The letter stays, and is listed no longer.
///
/// # Errors
/// The server can't be reached or refuses.
pub async fn settle(log: &EventLog, kept: &Kept) -> Result<(), LogError> {
    let note = Settled { settled: kept.number };
    let body = serde_json::to_vec(&note).map_err(|e| LogError::Unavailable(e.to_string()))?;
    let subject = log.names().dead_letter(&kept.letter.worker, &kept.letter.id);
    let unavailable =
        |error: async_nats::jetstream::context::PublishError| LogError::Unavailable(error.to_string());
    log.context().publish(subject, body.into()).await.map_err(unavailable)?.await.map_err(unavailable)?;
    Ok(())
}

/// Stands among the dead letters: the work of one was done again.
#[derive(Serialize, Deserialize)]
struct Settled {
    /// The letter's number.
    settled: Position,
}

/// Whether a name can be a token of a subject.
fn is_a_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// The part of a max-deliveries advisory that is of use (`io.nats.jetstream.advisory.v1.max_deliver`).
#[derive(Deserialize)]
struct Advisory {
    consumer: String,
    stream_seq: Position,
    deliveries: u32,
}

/// Buries what the server gave up: outcome event first, then the dead letter.
pub struct Undertaker {
    commands: Commands,
}

impl Undertaker {
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
                Err(error) => tracing::warn!(%error, "the advisories are not available; trying again"),
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
                tracing::error!(%error, "an advisory could not be turned into a dead letter; trying again");
                AckKind::Nak(Some(Duration::from_secs(2)))
            }
        };
        if let Err(error) = message.ack_with(kind).await {
            tracing::warn!(%error, "an acknowledgement was not sent; the advisory will come again");
        }
    }

    async fn bury(&self, payload: &[u8]) -> Result<(), CommandError> {
        let Ok(advisory) = serde_json::from_slice::<Advisory>(payload) else {
            tracing::error!("an advisory that is not readable; passed over");
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
            // Process managers have no outcome of their own; their dead letter is all there is to record.
            _ => {}
        }
        Ok(())
    }
}
