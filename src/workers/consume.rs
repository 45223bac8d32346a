//! The loop that every worker runs in: pull, work with heartbeats, acknowledge.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::dead_letter::{self, DeadLetter};
use crate::event_log::envelope::recorded;
use crate::event_log::{EventLog, LogError, RecordedEvent};

/// How often within the consumer's ack wait the server hears that a delivery is still being worked on.
const BEATS_PER_ACK_WAIT: u32 = 4;
/// How long one request waits at the server for a first message; after a restart of the server it
/// takes this long until the next request is sent.
const PULL_WAIT: Duration = Duration::from_secs(5);
/// The longest that the server takes to answer a request that doesn't wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// The most deliveries that one request takes.
const MAX_PULL: usize = 256;
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
    /// How many batches may wait here while all places are taken, so that short work doesn't cost a request
    /// each; none where work is long, and another process may be free for it.
    const AHEAD: usize = 0;

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
    let room = Arc::new(Semaphore::new(concurrency + W::AHEAD));
    let tasks = TaskTracker::new();
    while !shutdown.is_cancelled() {
        match open::<W>(&log).await {
            Ok(consumer) => {
                let beat = consumer.cached_info().config.ack_wait / BEATS_PER_ACK_WAIT;
                while let Some(batches) = next_batches::<W>(&log, &consumer, &room, &shutdown).await {
                    for (batch, kept) in batches {
                        let (log, worker) = (log.clone(), worker.clone());
                        let (places, shutdown) = (places.clone(), shutdown.clone());
                        tasks.spawn(async move {
                            work_on(&log, worker.as_ref(), batch, beat, &places, &shutdown).await;
                            drop(kept);
                        });
                    }
                }
            }
            Err(error @ LogError::NotProvisioned) => return Err(error),
            Err(error) => {
                tracing::warn!(worker = W::NAME, %error, "the consumer is not available; trying again");
            }
        }
        wait(&shutdown, REOPEN_AFTER).await;
    }
    tasks.close();
    tasks.wait().await;
    // The last acknowledgements leave before the process does; lost, they only mean another delivery.
    let _ = tokio::time::timeout(ANSWER_WITHIN, log.client().flush()).await;
    Ok(())
}

async fn wait(shutdown: &CancellationToken, duration: Duration) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(duration) => {}
    }
}

async fn open<W: Worker>(log: &EventLog) -> Result<PullConsumer, LogError> {
    let stream = log.context().get_stream(log.names().events()).await?;
    stream.get_consumer(W::NAME).await.map_err(|error| LogError::Unavailable(error.to_string()))
}

type Batch = Vec<(Delivery, Message)>;

/// What is waiting, in batches that each have room; never more than that, because the ack wait of a
/// delivery runs from when it is handed out, and one that nobody keeps alive would be handed out again,
/// to be worked on twice. `None` where the consumer must be opened again or the process stops.
async fn next_batches<W: Worker>(
    log: &EventLog,
    consumer: &PullConsumer,
    room: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<Vec<(Batch, OwnedSemaphorePermit)>> {
    // Half of what may wait is fetched at a time.
    let enough = u32::try_from(W::AHEAD / 2).unwrap_or(u32::MAX).max(1);
    let mut free = tokio::select! {
        () = shutdown.cancelled() => return None,
        room = room.clone().acquire_many_owned(enough) => room.ok()?,
    };
    let first = tokio::select! {
        () = shutdown.cancelled() => return None,
        first = first_message(consumer) => first,
    };
    let mut messages = match first {
        Ok(Some(first)) => vec![first],
        Ok(None) => return Some(Vec::new()),
        Err(error) => {
            tracing::warn!(worker = W::NAME, error, "a pull failed");
            return None;
        }
    };
    while free.num_permits() * W::BATCH < MAX_PULL
        && let Ok(more) = room.clone().try_acquire_owned()
    {
        free.merge(more);
    }
    let most = (free.num_permits() * W::BATCH).min(MAX_PULL.max(W::BATCH)) - messages.len();
    if let Err(error) = more_messages(consumer, most, &mut messages).await {
        // What has come is worked on all the same; the next pull tells whether it lasts.
        tracing::warn!(worker = W::NAME, error, "a pull failed");
    }
    let mut wanted = Vec::with_capacity(messages.len());
    for message in messages {
        if let Some(delivery) = accept::<W>(log, &message).await {
            wanted.push((delivery, message));
        }
    }
    let mut batches = Vec::with_capacity(free.num_permits());
    while !wanted.is_empty()
        && let Some(kept) = free.split(1)
    {
        let rest = wanted.split_off(wanted.len().min(W::BATCH));
        batches.push((std::mem::replace(&mut wanted, rest), kept));
    }
    Some(batches)
}

/// Waits for one message; `None` where none came in time.
async fn first_message(consumer: &PullConsumer) -> Result<Option<Message>, String> {
    let ask = consumer.batch().max_messages(1).expires(PULL_WAIT).messages();
    let mut answers = ask.await.map_err(|error| error.to_string())?;
    match tokio::time::timeout(PULL_WAIT + Duration::from_secs(1), answers.next()).await {
        Ok(Some(answer)) => answer.map(Some).map_err(|error| error.to_string()),
        // The server said that none came, or it is not there any more.
        Ok(None) | Err(_) => Ok(None),
    }
}

/// Adds what else is waiting, up to `most`, without waiting for more.
async fn more_messages(
    consumer: &PullConsumer,
    most: usize,
    messages: &mut Vec<Message>,
) -> Result<(), String> {
    if most == 0 {
        return Ok(());
    }
    let ask = consumer.fetch().max_messages(most).messages();
    let mut answers = ask.await.map_err(|error| error.to_string())?;
    while let Ok(Some(answer)) = tokio::time::timeout(ANSWER_WITHIN, answers.next()).await {
        messages.push(answer.map_err(|error| error.to_string())?);
    }
    Ok(())
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

/// Works on a batch when its turn has come; what is still waiting when the process stops goes back.
async fn work_on<W: Worker>(
    log: &EventLog,
    worker: &W,
    batch: Batch,
    beat: Duration,
    places: &Semaphore,
    shutdown: &CancellationToken,
) {
    let (deliveries, messages): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let begun = async {
        let _place = tokio::select! {
            biased;
            () = shutdown.cancelled() => return None,
            place = places.acquire() => place.ok()?,
        };
        Some(worker.work(&deliveries).await)
    };
    let Some(verdicts) = with_heartbeat(&messages, beat, begun).await else {
        for message in &messages {
            settle::<W>(message, AckKind::Nak(None)).await;
        }
        return;
    };
    for ((delivery, message), verdict) in deliveries.iter().zip(&messages).zip(verdicts) {
        conclude::<W>(log, delivery, message, verdict).await;
    }
}

async fn with_heartbeat<T>(messages: &[Message], beat: Duration, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(beat) => {
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
