//! Handling of batches: waiting for a free place, and the work itself.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::{AckKind, Message};
use futures_util::FutureExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::conclusion::Attempt;
use super::consume::{Delivery, WorkLimits, Worker};
use super::in_hand::InHand;
use super::intake::Intake;
use super::retries::{self, Retry};
use super::state::{Away, StateHandle, WorkerState};
use super::verdict::Verdict;
use crate::event_log::{EventLog, LogError, Position, RecordedEvent};

/// Delay before the redelivery to another process when this one can't conclude the delivery.
pub(super) const ELSEWHERE_AFTER: Duration = Duration::from_secs(5);
/// Deliveries after which an event is suspected to crash the process. Its crashes are counted.
pub(super) const SUSPECT_AFTER: u32 = 2;
/// Number of deliveries after which a timer is given up if its event can't be read.
const UNREADABLE_AFTER: u32 = 4;
/// Time between the shutdown and the end of work that may be stopped.
const STOPPED_AFTER: Duration = Duration::from_secs(5);

/// Parts that the batches of one worker share.
pub(super) struct Shared<W> {
    pub log: EventLog,
    pub worker: Arc<W>,
    pub limits: WorkLimits,
    pub state: StateHandle,
    pub tasks: TaskTracker,
    /// Cancelled at shutdown, and when the worker is stopped.
    pub end: CancellationToken,
    pub events: InHand,
    pub retries: InHand,
    places: Semaphore,
}

/// Source of deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Events of the log.
    Events,
    /// Timers that repeat failed work.
    Retries,
}

/// Delivered message.
pub(super) struct Item {
    pub source: Source,
    pub message: Message,
    /// Sequence of the message in its stream.
    pub sequence: Position,
    /// Number of deliveries of this message.
    pub delivered: u32,
    /// Event to handle, and its earlier failures if a timer repeats the work.
    pub retry: Retry,
    /// The event. `None` for a timer whose event has not been read yet.
    pub event: Option<RecordedEvent>,
}

pub(super) type Batch = Vec<Item>;

impl Item {
    /// Returns true if the handling of the event may have crashed a process.
    const fn is_suspect(&self) -> bool {
        self.delivered > SUSPECT_AFTER
    }

    /// Returns the number of the current attempt.
    pub(super) const fn attempt(&self) -> u32 {
        self.retry.attempts.saturating_add(self.delivered)
    }
}

/// End of an attempt to handle a batch.
enum Ended {
    Verdicts(Vec<Verdict>),
    Panicked,
    /// The work was stopped by the shutdown.
    Stopped,
}

/// Handles a batch. Suspects that were being handled at a crash come after the others, in random
/// order, and one at a time in this process. So further crashes are counted only for the event that
/// causes them. Deliveries that were handed back or lost in an outage need no turn.
pub(super) async fn work_on<W: Worker>(shared: &Arc<Shared<W>>, batch: Batch) {
    let (suspects, mut first): (Batch, Batch) = batch.into_iter().partition(Item::is_suspect);
    let mut alone = Vec::new();
    for suspect in suspects {
        match shared.log.crashes(W::NAME, suspect.retry.position).await {
            Ok(0) => first.push(suspect),
            Ok(_) => alone.push(suspect),
            Err(error) => shared.leave(&suspect, &error).await,
        }
    }
    alone.sort_by_cached_key(|_| rand::random::<u32>());
    shared.handle(first).await;
    for suspect in alone {
        let turn = shared.state.turn.0.acquire();
        let _turn = shared.end.run_until_cancelled(turn).await;
        shared.handle(vec![suspect]).await;
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
            events: InHand::new(),
            retries: InHand::new(),
            places: Semaphore::new(limits.concurrency),
        }
    }

    pub(super) const fn in_hand(&self, source: Source) -> &InHand {
        match source {
            Source::Events => &self.events,
            Source::Retries => &self.retries,
        }
    }

    /// Sends the acknowledgement of a message, and ends its heartbeats. A lost message is not
    /// handed back, because another process may already handle it.
    pub(super) async fn settle(&self, item: &Item, kind: AckKind) {
        let in_hand = self.in_hand(item.source);
        let is_lost = in_hand.is_lost(item.sequence);
        in_hand.remove(item.sequence);
        if is_lost && matches!(kind, AckKind::Nak(_)) {
            return;
        }
        if let Err(error) = item.message.ack_with(kind).await {
            tracing::warn!(worker = W::NAME, %error, "cannot send acknowledgement, event will be redelivered");
        }
    }

    /// Handles deliveries until none is left. Deliveries whose infrastructure is away are kept, and
    /// handled again when it is back. They are handed back at shutdown and after a pause of
    /// [`WorkLimits::kept_for`].
    async fn handle(self: &Arc<Self>, mut open: Batch) {
        while !open.is_empty() {
            let Some(place) = self.place().await else {
                for item in open {
                    self.hand_back(&item).await;
                }
                return;
            };
            // Drops messages whose heartbeats failed. Another process may already handle them.
            open.retain(|item| {
                let in_hand = self.in_hand(item.source);
                let is_kept = !in_hand.is_lost(item.sequence);
                if !is_kept {
                    in_hand.remove(item.sequence);
                }
                is_kept
            });
            open = self.attempt(open).await;
            drop(place);
        }
    }

    /// Waits until the worker isn't paused and a place is free. Returns `None` if the worker ends,
    /// or if it has been paused for too long.
    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        let free = async {
            while self.state.until_running_within(self.limits.kept_for).await {
                let place = self.places.acquire().await.ok()?;
                // The worker may have been paused while this batch waited for the place.
                if self.state.is_running() {
                    return Some(place);
                }
            }
            None
        };
        tokio::select! {
            biased;
            () = self.end.cancelled() => None,
            place = free => place,
        }
    }

    /// Tries to handle deliveries once. Returns those that must be handled again.
    async fn attempt(self: &Arc<Self>, open: Batch) -> Batch {
        let mut items = Vec::with_capacity(open.len());
        let mut deliveries = Vec::with_capacity(open.len());
        let mut crashes = Vec::new();
        for mut item in open {
            let Some(delivery) = self.readable(&mut item).await else {
                continue;
            };
            if item.is_suspect() {
                match self.count_crash(item, delivery).await {
                    Some((suspect, delivery, earlier)) => {
                        crashes.push((suspect.retry.position, earlier));
                        items.push(suspect);
                        deliveries.push(delivery);
                    }
                    None => continue,
                }
            } else {
                items.push(item);
                deliveries.push(delivery);
            }
        }
        if deliveries.is_empty() {
            return Vec::new();
        }
        let begun = Instant::now();
        let ended = self.work(&deliveries).await;
        let attempt = Attempt::ended(&self.log, begun.elapsed());
        let verdicts = match ended {
            // A panic counts like a crash of the process, so the numbers are not set back.
            Ended::Panicked => {
                for item in &items {
                    let again = AckKind::Nak(Some(retries::delay(item.delivered)));
                    self.settle(item, again).await;
                }
                return Vec::new();
            }
            Ended::Stopped => {
                self.uncount_crashes(&crashes).await;
                for item in &items {
                    self.hand_back(item).await;
                }
                return Vec::new();
            }
            Ended::Verdicts(verdicts) => {
                self.uncount_crashes(&crashes).await;
                self.confirmed(verdicts).await
            }
        };
        let mut held = Vec::new();
        for ((mut item, delivery), verdict) in items.into_iter().zip(deliveries).zip(verdicts) {
            metrics::counter!("laureate_deliveries_total", "worker" => W::NAME, "verdict" => verdict.label())
                .increment(1);
            match verdict {
                Verdict::Away {
                    what: Away::Log,
                    why,
                } => self.leave(&item, &LogError::Unavailable(why)).await,
                Verdict::Away { .. } => {
                    item.event = Some(delivery.event);
                    held.push(item);
                }
                verdict => {
                    let concluded = self.conclude(&item, &delivery, verdict, &attempt).await;
                    if let Err(error) = concluded {
                        self.leave(&item, &error).await;
                    }
                }
            }
        }
        held
    }

    /// Lets the worker handle deliveries.
    async fn work(&self, deliveries: &[Delivery]) -> Ended {
        let work = AssertUnwindSafe(self.worker.work(deliveries)).catch_unwind();
        let stopped = async {
            self.end.cancelled().await;
            if !W::IS_STOPPABLE {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(STOPPED_AFTER).await;
        };
        tokio::select! {
            biased;
            ended = tokio::time::timeout(W::DEADLINE, work) => match ended {
                Ok(Ok(verdicts)) => Ended::Verdicts(verdicts),
                // The panic hook has logged it.
                Ok(Err(_)) => Ended::Panicked,
                Err(_) => {
                    let why = "it did not end within its deadline".to_owned();
                    Ended::Verdicts(vec![Verdict::Failed { why }; deliveries.len()])
                }
            },
            () = stopped => Ended::Stopped,
        }
    }

    /// Returns the delivery of a message. If its event can't be read or needs a newer program,
    /// concludes or leaves the message and returns `None`.
    async fn readable(self: &Arc<Self>, item: &mut Item) -> Option<Delivery> {
        let event = match item.event.take() {
            Some(event) => Ok(event),
            None => self.log.event_at(item.retry.position).await,
        };
        let event = match event {
            Ok(event) => event,
            // A leader that was replaced may lack the event for some seconds.
            Err(error @ LogError::Undecodable { .. }) if item.delivered >= UNREADABLE_AFTER => {
                let why = error.to_string();
                if let Err(error) = self.bury_unreadable(item, None, &why).await {
                    self.leave(item, &error).await;
                }
                return None;
            }
            Err(error) => {
                self.leave(item, &error).await;
                return None;
            }
        };
        if Intake::of(&event, W::NAME, W::TYPES) == Intake::Newer {
            let why = event.needs_newer_program();
            self.leave_to_newer(item, &why).await;
            return None;
        }
        let attempt = item.attempt();
        Some(Delivery { event, attempt })
    }

    /// Stops the worker at a delivery that only a newer program can handle, and hands it back. A
    /// process of the newer program gets it and the following ones.
    pub(super) async fn leave_to_newer(&self, item: &Item, why: &str) {
        self.state.stop(why);
        self.hand_back(item).await;
    }

    /// Returns a delivery to the server for another process.
    async fn hand_back(&self, item: &Item) {
        let is_stopped = matches!(self.state.get(), WorkerState::Stopped { .. });
        let after = is_stopped.then_some(ELSEWHERE_AFTER);
        self.settle(item, AckKind::Nak(after)).await;
    }
}
