//! The loop that every worker runs in: pull, work with heartbeats, acknowledge.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::jetstream::{AckKind, Message};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::dead_letter::{self, DeadLetter};
use crate::event_log::envelope::recorded;
use crate::event_log::{EventLog, LogError, RecordedEvent};

/// How often the server hears that a delivery is still being worked on; well below the consumers' ack wait.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long to wait before a lost consumer is opened again.
const REOPEN_AFTER: Duration = Duration::from_millis(500);

/// An event that a worker is to act on.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The event.
    pub event: RecordedEvent,
    /// Which delivery of it this is, from 1.
    pub attempt: u32,
}

/// What is to become of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The outcome is in the log, or there was nothing to do.
    Done,
    /// Deliver it again after a while.
    Again {
        /// How long to wait.
        after: Duration,
        /// Why, without personal data.
        why: String,
    },
    /// Trying again cannot help. The outcome is in the log; a person finds the dead letter.
    GiveUp {
        /// Why, without personal data.
        why: String,
    },
}

impl Verdict {
    /// Something that we need was not there; try again after a while that grows with the attempts.
    pub fn unavailable(attempt: u32, error: &impl std::fmt::Display) -> Self {
        let after = Duration::from_millis(250) * 2_u32.pow(attempt.min(8));
        Self::Again { after, why: error.to_string() }
    }
}

/// What a worker does with what it is given.
pub trait Worker: Send + Sync + 'static {
    /// The durable consumer's name.
    const NAME: &'static str;
    /// How many deliveries it takes together at the most.
    const BATCH: usize = 1;

    /// Whether events of this type are its business; others are acknowledged at once.
    fn wants(event_type: &str) -> bool;

    /// Acts on deliveries; as many verdicts, in the same order.
    fn work(&self, deliveries: &[Delivery]) -> impl Future<Output = Vec<Verdict>> + Send;
}

/// Runs a worker until `shutdown`, then waits for what it has begun.
///
/// `concurrency` is how many batches are worked on at once. A lost connection is waited out.
///
/// # Errors
/// The consumer doesn't exist: the namespace was not provisioned.
pub async fn run<W: Worker>(
    log: EventLog,
    worker: Arc<W>,
    concurrency: usize,
    shutdown: CancellationToken,
) -> Result<(), LogError> {
    let places = Arc::new(Semaphore::new(concurrency));
    let tasks = TaskTracker::new();
    while !shutdown.is_cancelled() {
        let opened = open::<W>(&log).await;
        let mut messages = match opened {
            Ok(messages) => messages,
            Err(error @ LogError::NotProvisioned) => return Err(error),
            Err(error) => {
                tracing::warn!(worker = W::NAME, %error, "the consumer is not available; trying again");
                wait(&shutdown, REOPEN_AFTER).await;
                continue;
            }
        };
        while let Some((batch, place)) = next_batch::<W>(&log, &mut messages, &places, &shutdown).await {
            let (log, worker) = (log.clone(), worker.clone());
            tasks.spawn(async move {
                work_on(&log, worker.as_ref(), batch).await;
                drop(place);
            });
        }
        wait(&shutdown, REOPEN_AFTER).await;
    }
    tasks.close();
    tasks.wait().await;
    Ok(())
}

async fn wait(shutdown: &CancellationToken, duration: Duration) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(duration) => {}
    }
}

async fn open<W: Worker>(log: &EventLog) -> Result<pull::Stream, LogError> {
    let stream = log.context().get_stream(log.names().events()).await?;
    let unavailable = |error: &dyn std::fmt::Display| LogError::Unavailable(error.to_string());
    let consumer: PullConsumer = stream.get_consumer(W::NAME).await.map_err(|e| unavailable(&e))?;
    let pulled = (W::BATCH * 4).clamp(64, 1_000);
    consumer.stream().max_messages_per_batch(pulled).messages().await.map_err(|e| unavailable(&e))
}

type Batch = Vec<(Delivery, Message)>;

/// What is waiting, up to the worker's batch, as soon as there is a place for it. `None` where the
/// stream of messages ended or the process stops.
async fn next_batch<W: Worker>(
    log: &EventLog,
    messages: &mut pull::Stream,
    places: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(Batch, OwnedSemaphorePermit)> {
    let place = tokio::select! {
        () = shutdown.cancelled() => return None,
        place = places.clone().acquire_owned() => place.ok()?,
    };
    let mut batch = Vec::new();
    loop {
        let next = if batch.is_empty() {
            tokio::select! {
                () = shutdown.cancelled() => return None,
                next = messages.next() => Some(next),
            }
        } else {
            messages.next().now_or_never()
        };
        let message = match next {
            None => return Some((batch, place)),
            Some(Some(Ok(message))) => message,
            Some(Some(Err(error))) => {
                tracing::warn!(worker = W::NAME, %error, "a pull failed");
                return (!batch.is_empty()).then_some((batch, place));
            }
            Some(None) => return (!batch.is_empty()).then_some((batch, place)),
        };
        if let Some(delivery) = accept::<W>(log, &message).await {
            batch.push((delivery, message));
        }
        if batch.len() >= W::BATCH {
            return Some((batch, place));
        }
    }
}

/// Reads the delivery; settles at once what the worker doesn't want or nobody can read.
async fn accept<W: Worker>(log: &EventLog, message: &Message) -> Option<Delivery> {
    let (position, attempt) = match message.info() {
        Ok(info) => (info.stream_sequence, u32::try_from(info.delivered).unwrap_or(u32::MAX)),
        Err(error) => {
            tracing::error!(worker = W::NAME, %error, "a delivery without its information");
            return None;
        }
    };
    let headers = message.headers.clone().unwrap_or_default();
    match recorded(log.names(), message.subject.as_str(), position, &headers, message.payload.clone()) {
        Ok(event) if W::wants(&event.event_type) => Some(Delivery { event, attempt }),
        Ok(_) => {
            settle::<W>(message, AckKind::Ack).await;
            None
        }
        Err(error) => {
            tracing::error!(worker = W::NAME, position, %error, "a message that is not an event; given up");
            settle::<W>(message, AckKind::Term).await;
            None
        }
    }
}

async fn work_on<W: Worker>(log: &EventLog, worker: &W, batch: Batch) {
    let (deliveries, messages): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let verdicts = with_heartbeat(&messages, worker.work(&deliveries)).await;
    for ((delivery, message), verdict) in deliveries.iter().zip(&messages).zip(verdicts) {
        conclude::<W>(log, delivery, message, verdict).await;
    }
}

async fn with_heartbeat<T>(messages: &[Message], work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(HEARTBEAT) => {
                for message in messages {
                    // A lost heartbeat only means an early redelivery, which is harmless.
                    let _ = message.ack_with(AckKind::Progress).await;
                }
            }
        }
    }
}

async fn conclude<W: Worker>(log: &EventLog, delivery: &Delivery, message: &Message, verdict: Verdict) {
    metrics::counter!("laureate_deliveries_total", "worker" => W::NAME, "verdict" => label(&verdict))
        .increment(1);
    match verdict {
        Verdict::Done => settle::<W>(message, AckKind::Ack).await,
        Verdict::Again { after, why } => {
            let event = &delivery.event;
            tracing::info!(
                worker = W::NAME,
                position = event.position,
                attempt = delivery.attempt,
                why,
                "again later"
            );
            settle::<W>(message, AckKind::Nak(Some(after))).await;
        }
        Verdict::GiveUp { why } => {
            let letter = DeadLetter::of(W::NAME, delivery, &why);
            match dead_letter::keep(log, &letter).await {
                // Term with a reason has no AckKind in async-nats; the server reads it from the body.
                Ok(()) => terminate(log, message, &why).await,
                Err(error) => {
                    tracing::error!(worker = W::NAME, %error, "a dead letter could not be kept; trying again");
                    settle::<W>(message, AckKind::Nak(Some(REOPEN_AFTER))).await;
                }
            }
        }
    }
}

const fn label(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "done",
        Verdict::Again { .. } => "again",
        Verdict::GiveUp { .. } => "given_up",
    }
}

async fn terminate(log: &EventLog, message: &Message, why: &str) {
    if let Some(reply) = message.reply.clone() {
        let line: String = why.chars().filter(|c| !c.is_control()).take(200).collect();
        // Lost, it means one more delivery, which ends here again.
        let _ = log.client().publish(reply, format!("+TERM {line}").into()).await;
    }
}

async fn settle<W: Worker>(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::warn!(worker = W::NAME, %error, "an acknowledgement was not sent; the event will come again");
    }
}
