//! Main loop of every worker: pulls deliveries, handles them with heartbeats, acknowledges them.

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
use super::flow::Input;
use crate::commands::CommandError;
use crate::event_log::durable::REOPEN_AFTER;
use crate::event_log::envelope::recorded;
use crate::event_log::{Durable, EventLog, LogError, RecordedEvent};

/// Number of heartbeats (`+WPI`) within the consumer's ack wait while a delivery is being handled.
const BEATS_PER_ACK_WAIT: u32 = 4;
/// Time for which a pull request for the first message waits at the server. A restart of the server
/// loses the request, and the worker sends the next one only after this time.
const PULL_WAIT: Duration = Duration::from_secs(5);
/// Maximum time until the server responds to a request that doesn't wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Maximum number of deliveries per pull request.
const MAX_PULL: usize = 256;

/// Delivery of an event to a worker.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The event.
    pub event: RecordedEvent,
    /// Number of this delivery of the event, starting at 1.
    pub attempt: u32,
}

impl Delivery {
    /// Decodes the event. Returns `None` if the worker with this input doesn't handle the event.
    ///
    /// # Errors
    /// The event can't be decoded.
    pub fn input<I: Input>(&self) -> Result<Option<I>, CommandError> {
        Ok(I::of(self.event.decode()?))
    }
}

/// Outcome of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The outcome is recorded in the log, or there was nothing to do.
    Done,
    /// The server must redeliver the event after a delay.
    Again {
        /// Delay until the redelivery.
        after: Duration,
        /// Reason, without personal data.
        why: String,
    },
    /// A dependency is unavailable. The server must redeliver the event after a delay, which
    /// doubles with each attempt, from 500 ms to 64 s.
    Unavailable {
        /// Reason, without personal data.
        why: String,
    },
    /// A further attempt can't succeed. The outcome is recorded in the log, and a dead letter is
    /// stored for the operator.
    GiveUp {
        /// Reason, without personal data.
        why: String,
    },
}

impl Verdict {
    /// Returns a verdict for an unavailable dependency.
    pub fn unavailable(error: &impl std::fmt::Display) -> Self {
        Self::Unavailable {
            why: error.to_string(),
        }
    }
}

impl From<CommandError> for Verdict {
    /// A refused command is given up, because a further attempt would be refused, too. Other errors
    /// are temporary and are retried.
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refusal) => Self::GiveUp {
                why: refusal.code().to_owned(),
            },
            error => Self::unavailable(&error),
        }
    }
}

/// Handler of deliveries of one consumer.
pub trait Worker: Send + Sync + 'static {
    /// Name of the durable consumer.
    const NAME: &'static str;
    /// Maximum number of deliveries per batch.
    const BATCH: usize = 1;
    /// Number of batches that are fetched in advance while all permits are in use. If the work is
    /// short, this avoids one request per batch. If the work is long, it is zero, because another
    /// process may have a free permit.
    const AHEAD: usize = 0;

    /// Types of the events that the worker handles. Events of other types are acknowledged
    /// immediately.
    const TYPES: &'static [&'static str];

    /// Handles `deliveries`. Returns one verdict per delivery, in the same order.
    fn work(&self, deliveries: &[Delivery]) -> impl Future<Output = Vec<Verdict>> + Send;
}

/// Runs a worker until `shutdown` is cancelled. It then waits until the running batches have ended.
///
/// At most `concurrency` batches are handled at the same time. After a lost connection, the
/// consumer is opened again.
///
/// # Errors
/// [`LogError::NotProvisioned`] if the stream doesn't exist.
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
        match log
            .open_durable(Durable {
                stream: "EVENTS",
                name: W::NAME,
            })
            .await
        {
            Ok(consumer) => {
                let beat = consumer.cached_info().config.ack_wait / BEATS_PER_ACK_WAIT;
                while let Some(batches) = next_batches::<W>(&log, &consumer, &room, &shutdown).await
                {
                    for (batch, kept) in batches {
                        let log = log.clone();
                        let worker = worker.clone();
                        let places = places.clone();
                        let shutdown = shutdown.clone();
                        tasks.spawn(async move {
                            work_on(&log, worker.as_ref(), batch, beat, &places, &shutdown).await;
                            drop(kept);
                        });
                    }
                }
            }
            Err(error @ LogError::NotProvisioned) => return Err(error),
            Err(error) => {
                tracing::warn!(worker = W::NAME, %error, "consumer unavailable, retrying");
            }
        }
        wait(&shutdown, REOPEN_AFTER).await;
    }
    tasks.close();
    tasks.wait().await;
    // The last acknowledgements must be sent before the process exits. A lost one would only cause
    // a redelivery.
    let _ = tokio::time::timeout(ANSWER_WITHIN, log.client().flush()).await;
    Ok(())
}

async fn wait(shutdown: &CancellationToken, duration: Duration) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = tokio::time::sleep(duration) => {}
    }
}

type Batch = Vec<(Delivery, Message)>;

/// Fetches waiting messages as batches, each with a permit. Never fetches more batches than there
/// are free permits, because the ack wait starts at the delivery. A message that waited without
/// heartbeats would be redelivered and handled twice. Returns `None` if the consumer must be opened
/// again or the process shuts down.
async fn next_batches<W: Worker>(
    log: &EventLog,
    consumer: &PullConsumer,
    room: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<Vec<(Batch, OwnedSemaphorePermit)>> {
    // Waits until half of the permits for batches in advance are free, so that one request fetches
    // several batches.
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
            tracing::warn!(worker = W::NAME, error, "pull failed");
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
        // The received messages are handled nevertheless. If the error persists, the next pull
        // reports it.
        tracing::warn!(worker = W::NAME, error, "pull failed");
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

/// Waits for one message. Returns `None` if none arrives within [`PULL_WAIT`].
async fn first_message(consumer: &PullConsumer) -> Result<Option<Message>, String> {
    let ask = consumer
        .batch()
        .max_messages(1)
        .expires(PULL_WAIT)
        .messages();
    let mut answers = ask.await.map_err(|error| error.to_string())?;
    match tokio::time::timeout(PULL_WAIT + Duration::from_secs(1), answers.next()).await {
        Ok(Some(answer)) => answer.map(Some).map_err(|error| error.to_string()),
        // The server reported that no message arrived, or the server is down.
        Ok(None) | Err(_) => Ok(None),
    }
}

/// Adds messages that are available immediately to `messages`, at most `most`.
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

/// Decodes the delivery. Acknowledges an event that the worker doesn't handle, and terminates a
/// message that is not an event.
async fn accept<W: Worker>(log: &EventLog, message: &Message) -> Option<Delivery> {
    let (position, attempt) = match message.info() {
        Ok(info) => (
            info.stream_sequence,
            u32::try_from(info.delivered).unwrap_or(u32::MAX),
        ),
        Err(error) => {
            tracing::error!(worker = W::NAME, %error, "delivery has no JetStream metadata");
            return None;
        }
    };
    let headers = message.headers.clone().unwrap_or_default();
    match recorded(
        log.names(),
        message.subject.as_str(),
        position,
        &headers,
        message.payload.clone(),
    ) {
        Ok(event) if W::TYPES.contains(&event.event_type.as_str()) => {
            Some(Delivery { event, attempt })
        }
        Ok(_) => {
            settle::<W>(message, AckKind::Ack).await;
            None
        }
        Err(error) => {
            tracing::error!(worker = W::NAME, position, %error, "message is not an event, terminated");
            settle::<W>(message, AckKind::Term).await;
            None
        }
    }
}

/// Handles a batch once a permit is free. If the process shuts down first, the messages are
/// negatively acknowledged.
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

async fn with_heartbeat<T>(
    messages: &[Message],
    beat: Duration,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(beat) => {
                for message in messages {
                    // A lost heartbeat only causes an early redelivery, which is harmless.
                    let _ = message.ack_with(AckKind::Progress).await;
                }
            }
        }
    }
}

async fn conclude<W: Worker>(
    log: &EventLog,
    delivery: &Delivery,
    message: &Message,
    verdict: Verdict,
) {
    metrics::counter!("laureate_deliveries_total", "worker" => W::NAME, "verdict" => label(&verdict))
        .increment(1);
    match verdict {
        Verdict::Done => settle::<W>(message, AckKind::Ack).await,
        Verdict::Again { after, why } => again::<W>(delivery, message, after, &why).await,
        Verdict::Unavailable { why } => {
            again::<W>(delivery, message, backoff(delivery.attempt), &why).await;
        }
        Verdict::GiveUp { why } => {
            let letter = DeadLetter::of(W::NAME, delivery, &why);
            match dead_letter::keep(log, &letter).await {
                // AckKind of async-nats has no termination with a reason. The server reads the
                // reason from the body.
                Ok(()) => terminate(log, message, &why).await,
                Err(error) => {
                    tracing::error!(worker = W::NAME, %error, "cannot store dead letter, retrying");
                    settle::<W>(message, AckKind::Nak(Some(REOPEN_AFTER))).await;
                }
            }
        }
    }
}

async fn again<W: Worker>(delivery: &Delivery, message: &Message, after: Duration, why: &str) {
    let position = delivery.event.position;
    tracing::info!(
        worker = W::NAME,
        position,
        attempt = delivery.attempt,
        why,
        "redelivery requested"
    );
    settle::<W>(message, AckKind::Nak(Some(after))).await;
}

/// Returns the delay before the redelivery when a dependency is unavailable.
fn backoff(attempt: u32) -> Duration {
    Duration::from_millis(250) * 2_u32.pow(attempt.min(8))
}

const fn label(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "done",
        Verdict::Again { .. } | Verdict::Unavailable { .. } => "again",
        Verdict::GiveUp { .. } => "given_up",
    }
}

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

async fn settle<W: Worker>(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::warn!(worker = W::NAME, %error, "cannot send acknowledgement, event will be redelivered");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Refusal;

    #[test]
    fn refused_command_is_not_retried_and_other_errors_are() {
        let refused = CommandError::Refused(Refusal::NotFound("certificate"));
        assert!(matches!(Verdict::from(refused), Verdict::GiveUp { .. }));
        let lost = CommandError::from(LogError::Unavailable("no answer".to_owned()));
        assert!(matches!(Verdict::from(lost), Verdict::Unavailable { .. }));
    }

    #[test]
    fn backoff_doubles_up_to_64_seconds() {
        let delays: Vec<_> = [1, 2, 3, 8, 9, 1_000]
            .map(|n| backoff(n).as_millis())
            .into();
        assert_eq!(delays, [500, 1_000, 2_000, 64_000, 64_000, 64_000]);
    }
}
