//! Handling of batches: waiting for a free place, and the work itself with heartbeats.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use async_nats::{Client, Subject};
use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::conclusion::settle;
use super::consume::{Delivery, WorkLimits, Worker};
use super::retries::{self, Retry};
use super::state::{StateHandle, WorkerState};
use super::verdict::Verdict;
use crate::event_log::{EventLog, LogError};

/// Message that extends the ack wait.
const HEARTBEAT: Bytes = Bytes::from_static(b"+WPI");
/// Delay before the redelivery to another process when this one can't conclude the delivery.
pub(super) const ELSEWHERE_AFTER: Duration = Duration::from_secs(5);
/// Deliveries after which an event is handled alone, and handed back by a timer instead of a
/// negative acknowledgement, so that only crashes are counted.
const SUSPECT_AFTER: u32 = 2;

/// Parts that the batches of one worker share.
pub(super) struct Shared<W> {
    pub log: EventLog,
    pub worker: Arc<W>,
    pub limits: WorkLimits,
    pub state: StateHandle,
    pub tasks: TaskTracker,
    /// Cancelled at shutdown, and when the worker is stopped.
    pub end: CancellationToken,
    places: Semaphore,
}

/// Delivered message.
pub(super) struct Item {
    pub ticket: Ticket,
    /// The delivery; `None` until the event of a timer is read.
    pub delivery: Option<Delivery>,
}

/// Message of a delivery, and its history.
pub(super) struct Ticket {
    pub message: Message,
    /// Number of deliveries of this message.
    pub delivered: u32,
    /// Earlier failures of the work, if a timer repeats it.
    pub retry: Option<Retry>,
}

pub(super) type Batch = Vec<Item>;

impl Item {
    pub(super) fn of_event(message: Message, delivery: Delivery) -> Self {
        let delivered = delivery.attempt;
        let ticket = Ticket {
            message,
            delivered,
            retry: None,
        };
        let delivery = Some(delivery);
        Self { ticket, delivery }
    }

    pub(super) fn of_retry(message: Message, retry: Retry, delivered: u32) -> Self {
        let ticket = Ticket {
            message,
            delivered,
            retry: Some(retry),
        };
        let delivery = None;
        Self { ticket, delivery }
    }
}

/// Handles a batch. An event whose handling may have crashed a process is handled alone, after the
/// others and in random order, so that it doesn't take them with it.
pub(super) async fn work_on<W: Worker>(shared: &Arc<Shared<W>>, batch: Batch, beat: Duration) {
    let replies: Vec<_> = batch
        .iter()
        .filter_map(|item| item.ticket.message.reply.clone())
        .collect();
    let (mut suspects, first): (Batch, Batch) = batch
        .into_iter()
        .partition(|item| item.ticket.delivered > SUSPECT_AFTER);
    suspects.sort_by_cached_key(|_| rand::random::<u32>());
    let handling = async {
        shared.handle(first).await;
        for suspect in suspects {
            shared.handle(vec![suspect]).await;
        }
    };
    with_heartbeat(shared.log.client(), &replies, beat, handling).await;
}

/// Sends heartbeats for all messages until `work` ends. The server ignores those for acknowledged
/// messages.
async fn with_heartbeat<T>(
    client: &Client,
    replies: &[Subject],
    beat: Duration,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(beat) => {
                for reply in replies {
                    // A lost heartbeat only causes an early redelivery, which is harmless.
                    let _ = client.publish(reply.clone(), HEARTBEAT).await;
                }
            }
        }
    }
}

impl<W: Worker> Shared<W> {
    pub(super) fn new(
        log: EventLog,
        worker: Arc<W>,
        limits: WorkLimits,
        state: StateHandle,
        end: CancellationToken,
    ) -> Self {
        Self {
            log,
            worker,
            limits,
            state,
            tasks: TaskTracker::new(),
            end,
            places: Semaphore::new(limits.concurrency),
        }
    }

    /// Handles deliveries until none is left: those of which a part of the infrastructure is away
    /// are kept and handled again when it is back. At shutdown they are handed back.
    async fn handle(self: &Arc<Self>, mut open: Batch) {
        while !open.is_empty() {
            let Some(place) = self.place().await else {
                for item in open {
                    self.hand_back(item.ticket).await;
                }
                return;
            };
            open = self.attempt(open).await;
            drop(place);
        }
    }

    /// Waits until the worker isn't paused and a place is free. Returns `None` if the worker ends.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        let free = async {
            loop {
                self.state.until_running().await;
                let place = self.places.acquire().await.ok()?;
                // The worker may have been paused while this batch waited for the place.
                if self.state.get() == WorkerState::Running {
                    return Some(place);
                }
            }
        };
        tokio::select! {
            biased;
            () = self.end.cancelled() => None,
            place = free => place,
        }
    }

    /// Tries to handle deliveries once. Returns those that must be handled again.
    async fn attempt(self: &Arc<Self>, open: Batch) -> Batch {
        let mut held = Vec::new();
        let mut deliveries = Vec::with_capacity(open.len());
        let mut tickets = Vec::with_capacity(open.len());
        for item in open {
            let Item { ticket, delivery } = item;
            let found = match delivery {
                Some(delivery) => Ok(delivery),
                None => self.repeated(&ticket).await,
            };
            match found {
                Ok(delivery) if ticket.delivered >= self.limits.max_deliveries => {
                    held.extend(self.give_up_crashed(ticket, delivery).await);
                }
                Ok(delivery) => {
                    deliveries.push(delivery);
                    tickets.push(ticket);
                }
                Err(error) => held.extend(self.hold(ticket, None, &error).await),
            }
        }
        if deliveries.is_empty() {
            return held;
        }
        let work = AssertUnwindSafe(self.worker.work(&deliveries)).catch_unwind();
        let verdicts = match tokio::time::timeout(W::DEADLINE, work).await {
            Ok(Ok(verdicts)) => verdicts,
            Ok(Err(_)) => {
                // The panic hook has logged it. It counts like a crash of the process.
                for ticket in tickets {
                    let again = AckKind::Nak(Some(retries::delay(ticket.delivered)));
                    settle::<W>(&ticket.message, again).await;
                }
                return held;
            }
            Err(_) => {
                let late = "it did not end within its deadline".to_owned();
                vec![Verdict::Failed { why: late }; tickets.len()]
            }
        };
        // Each kind of infrastructure is probed once for all deliveries.
        let mut is_away = BTreeMap::new();
        for verdict in &verdicts {
            if let Verdict::Away { what, why } = verdict
                && !is_away.contains_key(what)
            {
                is_away.insert(*what, self.pauses(*what, why).await);
            }
        }
        for ((ticket, delivery), verdict) in tickets.into_iter().zip(deliveries).zip(verdicts) {
            metrics::counter!("laureate_deliveries_total", "worker" => W::NAME, "verdict" => verdict.label())
                .increment(1);
            let verdict = match verdict {
                Verdict::Away { what, .. } if is_away.get(&what) == Some(&true) => {
                    let delivery = Some(delivery);
                    held.push(Item { ticket, delivery });
                    continue;
                }
                Verdict::Away { why, .. } => Verdict::Failed { why },
                verdict => verdict,
            };
            if let Err(error) = self.conclude(&ticket, &delivery, verdict).await {
                held.extend(self.hold(ticket, Some(delivery), &error).await);
            }
        }
        held
    }

    /// Returns the delivery that a timer repeats.
    async fn repeated(&self, ticket: &Ticket) -> Result<Delivery, LogError> {
        let Some(retry) = &ticket.retry else {
            return Err(LogError::Unavailable("not a timer".to_owned()));
        };
        let event = self.log.event_at(retry.position).await?;
        let attempt = retry.attempts.saturating_add(ticket.delivered);
        Ok(Delivery { event, attempt })
    }

    /// Returns a delivery to the server for another process. A delivery with a high number gets a
    /// new message, because its number counts crashes.
    async fn hand_back(&self, ticket: Ticket) {
        if ticket.delivered > SUSPECT_AFTER
            && let Some(retry) = ticket.unchanged()
            && retry.fire(&self.log, W::NAME).await.is_ok()
        {
            return settle::<W>(&ticket.message, AckKind::Ack).await;
        }
        let is_stopped = matches!(self.state.get(), WorkerState::Stopped { .. });
        let after = is_stopped.then_some(ELSEWHERE_AFTER);
        settle::<W>(&ticket.message, AckKind::Nak(after)).await;
    }
}

impl Ticket {
    /// Returns the timer that repeats the work without another failure.
    fn unchanged(&self) -> Option<Retry> {
        let retry = self.retry.clone();
        retry.or_else(|| {
            let position = self.message.info().ok()?.stream_sequence;
            Some(Retry {
                position,
                first_failure: None,
                attempts: 1,
                cause: String::new(),
                request: None,
            })
        })
    }
}
