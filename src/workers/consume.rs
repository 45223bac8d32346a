//! Main loop of every worker: pulls deliveries of events and of the worker's own timers. See
//! [`super::handling`] for what happens to them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::flow::Input;
use super::handling::{Batch, Item, Shared, Source, work_on};
use super::intake::Intake;
use super::retries::{self, Retry};
use super::state::{Away, StateHandle};
use super::verdict::Verdict;
use crate::commands::CommandError;
use crate::event_log::durable::REOPEN_AFTER;
use crate::event_log::envelope::recorded;
use crate::event_log::{Durable, EventLog, LogError, RecordedEvent};

/// Time for which a pull request for the first message waits at the server. A restart of the server
/// loses the request, and the worker sends the next one only after this time.
const PULL_WAIT: Duration = Duration::from_secs(5);
/// Maximum time until the server responds to a request that doesn't wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Time for which a stopping worker waits for a message that may be on its way.
const DRAINED_WITHIN: Duration = Duration::from_millis(100);
/// Maximum number of deliveries per pull request.
const MAX_PULL: usize = 256;

/// Delivery of an event to a worker.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The event.
    pub event: RecordedEvent,
    /// Number of this attempt to handle the event, starting at 1. It counts deliveries and
    /// repetitions by timers.
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

/// Handler of deliveries of events, and of timers that repeat failed work.
pub trait Worker: Send + Sync + 'static {
    /// Name of the worker, and of its durable consumer of events.
    const NAME: &'static str;
    /// Maximum number of deliveries per batch.
    const BATCH: usize = 1;
    /// Number of batches that are fetched in advance while the worker handles as many batches as it
    /// may. If the work is short, this avoids one request per batch. If the work is long, it is 0,
    /// because another process may handle the batch earlier.
    const AHEAD: usize = 0;
    /// Longest time for a batch. After it, the work is stopped and has failed.
    const DEADLINE: Duration = Duration::from_secs(15 * 60);

    /// True if the work can be stopped at any point, because all of it can be repeated. 5 s after
    /// the shutdown, it is stopped and its deliveries are handed back. If false, the shutdown waits
    /// for the work.
    const IS_STOPPABLE: bool = false;

    /// Types of the events that the worker handles. Events of other types are acknowledged
    /// immediately, unless the same worker of a newer program handles them.
    const TYPES: &'static [&'static str];

    /// Handles `deliveries`. Returns one verdict per delivery, in the same order.
    fn work(&self, deliveries: &[Delivery]) -> impl Future<Output = Vec<Verdict>> + Send;

    /// Records in the log that the work of a delivery was given up without an outcome: it crashed
    /// too often, or its budget is used up. `why` is without personal data.
    fn abandon(
        &self,
        delivery: &Delivery,
        why: &str,
    ) -> impl Future<Output = Result<(), CommandError>> + Send;

    /// Checks whether infrastructure that a verdict reported as away is there. The log has its own
    /// check.
    fn probe(&self, away: Away) -> impl Future<Output = Result<(), String>> + Send;
}

/// Limits of one worker in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkLimits {
    /// Maximum number of batches that are handled at the same time.
    pub concurrency: usize,
    /// Time after which failing work is given up; `None` for never. It counts failed attempts, each
    /// with at most 2 minutes, and the delays between them. It doesn't count pauses and queues.
    pub budget: Option<Duration>,
    /// Number of crashes after which the work is given up without another attempt.
    pub max_crashes: u32,
    /// Time for which a paused worker keeps its deliveries. The worker then hands them back,
    /// because another process may not be paused.
    pub kept_for: Duration,
}

impl WorkLimits {
    /// Returns limits without a budget, and with at most 9 crashes.
    #[must_use]
    pub const fn new(concurrency: usize) -> Self {
        Self {
            concurrency,
            budget: None,
            max_crashes: 9,
            kept_for: Duration::from_secs(60),
        }
    }
}

/// Runs a worker until `shutdown` is cancelled. It then waits until the running batches have ended.
/// Deliveries that wait are handed back. After a lost connection, the consumers are opened again.
///
/// # Errors
/// [`LogError::NotProvisioned`] if a stream doesn't exist.
pub async fn run<W: Worker>(
    log: EventLog,
    worker: Arc<W>,
    limits: WorkLimits,
    state: StateHandle,
    shutdown: CancellationToken,
) -> Result<(), LogError> {
    let end = shutdown.child_token();
    let shared = Arc::new(Shared::new(log, worker, limits, state, end.clone()));
    let stopping = async {
        shared.state.until_stopped().await;
        end.cancel();
        std::future::pending().await
    };
    let working = async {
        tokio::try_join!(
            pull(&shared, Source::Events),
            pull(&shared, Source::Retries),
        )?;
        shared.tasks.close();
        shared.tasks.wait().await;
        // A stopped worker has handed back its deliveries. The process continues.
        shutdown.cancelled().await;
        Ok(())
    };
    let client = shared.log.client();
    let outcome = tokio::select! {
        outcome = working => outcome,
        outcome = stopping => outcome,
        () = shared.events.keep_alive(client) => Ok(()),
        () = shared.retries.keep_alive(client) => Ok(()),
    };
    // The last acknowledgements must be sent before the process exits. A lost one would only cause
    // a redelivery.
    let _ = tokio::time::timeout(ANSWER_WITHIN, shared.log.client().flush()).await;
    outcome
}

impl Source {
    /// Returns the name of the worker's consumer.
    pub(super) fn consumer_of(self, worker: &str) -> String {
        match self {
            Self::Events => worker.to_owned(),
            Self::Retries => retries::consumer_of(worker),
        }
    }

    pub(super) const fn durable(self, name: &str) -> Durable<'_> {
        let stream = match self {
            Self::Events => "EVENTS",
            Self::Retries => "TIMERS",
        };
        Durable { stream, name }
    }
}

/// Pulls deliveries from one source until shutdown or until the worker is stopped.
async fn pull<W: Worker>(shared: &Arc<Shared<W>>, source: Source) -> Result<(), LogError> {
    let name = source.consumer_of(W::NAME);
    let ahead = match source {
        Source::Events => W::AHEAD,
        Source::Retries => 0,
    };
    let room = Arc::new(Semaphore::new(shared.limits.concurrency + ahead));
    while !shared.end.is_cancelled() {
        match shared.log.open_durable(source.durable(&name)).await {
            Ok(consumer) => {
                let ack_wait = consumer.cached_info().config.ack_wait;
                shared.in_hand(source).set_ack_wait(ack_wait);
                while let Some(batches) =
                    next_batches(shared, source, &consumer, &room, ahead).await
                {
                    for (batch, kept) in batches {
                        let shared = shared.clone();
                        let tasks = shared.tasks.clone();
                        tasks.spawn(async move {
                            work_on(&shared, batch).await;
                            drop(kept);
                        });
                    }
                }
            }
            Err(error @ LogError::NotProvisioned) => {
                // The other source must end, too.
                shared.end.cancel();
                return Err(error);
            }
            Err(error) => {
                // During a pause, health reports the reason, even if no delivery has failed.
                if !shared.pauses(Away::Log, &error.to_string()).await {
                    tracing::warn!(worker = W::NAME, %error, "consumer unavailable, retrying");
                }
            }
        }
        shared
            .end
            .run_until_cancelled(tokio::time::sleep(REOPEN_AFTER))
            .await;
    }
    Ok(())
}

/// Fetches waiting messages as batches, each with a permit. Never fetches more batches than there
/// are free permits, because the ack wait starts at the delivery. A message that waited without
/// heartbeats would be redelivered and handled twice. Returns `None` if the consumer must be opened
/// again or the worker ends.
async fn next_batches<W: Worker>(
    shared: &Arc<Shared<W>>,
    source: Source,
    consumer: &PullConsumer,
    room: &Arc<Semaphore>,
    ahead: usize,
) -> Option<Vec<(Batch, OwnedSemaphorePermit)>> {
    // Waits until half of the permits for batches in advance are free, so that one request fetches
    // several batches.
    let enough = u32::try_from(ahead / 2).unwrap_or(u32::MAX).max(1);
    let free = async {
        shared.state.until_running().await;
        room.clone().acquire_many_owned(enough).await.ok()
    };
    let mut free = shared.end.run_until_cancelled(free).await??;
    let mut messages = match first_message(consumer, &shared.end).await {
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
        wanted.extend(accept(shared, source, message).await);
    }
    let mut batches = Vec::with_capacity(free.num_permits());
    while !wanted.is_empty()
        && let Some(kept) = free.split(1)
    {
        let rest = wanted.split_off(wanted.len().min(W::BATCH));
        batches.push((std::mem::replace(&mut wanted, rest), kept));
    }
    debug_assert!(wanted.is_empty(), "more messages than requested");
    Some(batches)
}

/// Waits for one message. Returns `None` if none arrives within [`PULL_WAIT`].
/// At the end of the worker, a message that is on its way is handed back.
async fn first_message(
    consumer: &PullConsumer,
    end: &CancellationToken,
) -> Result<Option<Message>, String> {
    let ask = consumer
        .batch()
        .max_messages(1)
        .expires(PULL_WAIT)
        .messages();
    let mut answers = ask.await.map_err(|error| error.to_string())?;
    let first = tokio::time::timeout(PULL_WAIT + Duration::from_secs(1), answers.next());
    match end.run_until_cancelled(first).await {
        Some(Ok(Some(answer))) => answer.map(Some).map_err(|error| error.to_string()),
        // The server reported that no message arrived, or the server is down.
        Some(Ok(None) | Err(_)) => Ok(None),
        None => {
            let late = tokio::time::timeout(DRAINED_WITHIN, answers.next()).await;
            if let Ok(Some(Ok(message))) = late {
                // If this fails, the server delivers the message again after the ack wait.
                let _ = message.ack_with(AckKind::Nak(None)).await;
            }
            Ok(None)
        }
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

/// Decodes a delivery. Returns `None` if there is nothing to handle: the event has no work for this
/// worker, the message can't be decoded, or this process still handles an earlier delivery of it.
async fn accept<W: Worker>(
    shared: &Arc<Shared<W>>,
    source: Source,
    message: Message,
) -> Option<Item> {
    let (sequence, delivered) = match message.info() {
        Ok(info) => (
            info.stream_sequence,
            u32::try_from(info.delivered).unwrap_or(u32::MAX),
        ),
        Err(error) => {
            tracing::error!(worker = W::NAME, %error, "delivery has no JetStream metadata");
            return None;
        }
    };
    let reply = message.reply.clone()?;
    if !shared.in_hand(source).add(sequence, reply) {
        tracing::debug!(
            worker = W::NAME,
            sequence,
            "delivery is still being handled"
        );
        return None;
    }
    let mut item = Item {
        source,
        message,
        sequence,
        delivered,
        retry: Retry::of_event(sequence),
        event: None,
    };
    match source {
        Source::Events => accept_event(shared, &mut item).await,
        Source::Retries => accept_retry(shared, &mut item).await,
    }
    .then_some(item)
}

/// Decodes an event. Returns false if there is nothing to handle. A dead letter is stored for a
/// message that is not an event.
async fn accept_event<W: Worker>(shared: &Arc<Shared<W>>, item: &mut Item) -> bool {
    shared.log.note_position(item.sequence);
    let message = &item.message;
    let headers = message.headers.clone().unwrap_or_default();
    let names = shared.log.names();
    let subject = message.subject.as_str();
    let error = match recorded(
        names,
        subject,
        item.sequence,
        &headers,
        message.payload.clone(),
    ) {
        Ok(event) if Intake::of(&event, W::NAME, W::TYPES) == Intake::Unwanted => {
            shared.settle(item, AckKind::Ack).await;
            return false;
        }
        Ok(event) => {
            item.event = Some(event);
            return true;
        }
        Err(error) => error,
    };
    let aggregate = names.parse_aggregate(subject);
    let why = error.to_string();
    if let Err(error) = shared.bury_unreadable(item, aggregate, &why).await {
        shared.leave(item, &error).await;
    }
    false
}

/// Decodes a timer. Returns false if there is nothing to handle. A timer of a newer program is left
/// to that program. An invalid timer is terminated.
async fn accept_retry<W: Worker>(shared: &Arc<Shared<W>>, item: &mut Item) -> bool {
    match Retry::decode(&item.message.payload) {
        Ok(retry) => {
            item.retry = retry;
            true
        }
        Err(Some(version)) => {
            let why =
                format!("a timer of version {version} is of a newer program; use that program");
            shared.leave_to_newer(item, &why).await;
            false
        }
        Err(None) => {
            tracing::error!(worker = W::NAME, "invalid timer, terminated");
            shared.settle(item, AckKind::Term).await;
            false
        }
    }
}
