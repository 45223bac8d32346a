//! Crashes of a worker's process, and its end.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::AckKind;
use futures_util::StreamExt;
use laureate::commands::CommandError;
use laureate::event_log::{Durable, Position};
use laureate::workers::{
    self, Away, Delivery, StateHandle, Verdict, WorkLimits, Worker, WorkerStates,
};
use serde_json::json;
use tokio::sync::{Barrier, Mutex, Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::fixture::{Plant, Probe};
use super::outages::put;
use crate::log::fixture::open;
use crate::support::{servers, until};

/// Probe that gets batches, and whose work can be stopped.
struct Stoppable(Arc<Probe>);

impl Worker for Stoppable {
    const NAME: &'static str = Probe::NAME;
    const BATCH: usize = 50;
    const IS_STOPPABLE: bool = true;
    const TYPES: &'static [&'static str] = Probe::TYPES;

    async fn work(&self, deliveries: &[Delivery]) -> Vec<Verdict> {
        self.0.work(deliveries).await
    }

    async fn abandon(&self, delivery: &Delivery, why: &str) -> Result<(), CommandError> {
        self.0.abandon(delivery, why).await
    }

    async fn probe(&self, away: Away) -> Result<(), String> {
        self.0.probe(away).await
    }
}

/// Probe on the consumer of the importer.
struct Importing(Arc<Probe>);

impl Worker for Importing {
    const NAME: &'static str = "importer";
    const TYPES: &'static [&'static str] = Probe::TYPES;

    async fn work(&self, deliveries: &[Delivery]) -> Vec<Verdict> {
        self.0.work(deliveries).await
    }

    async fn abandon(&self, delivery: &Delivery, why: &str) -> Result<(), CommandError> {
        self.0.abandon(delivery, why).await
    }

    async fn probe(&self, away: Away) -> Result<(), String> {
        self.0.probe(away).await
    }
}

/// Pulls the events of a consumer twice and hands them back, as two short outages do. The next
/// delivery makes them suspects.
async fn hand_back_twice(plant: &Plant, name: &str, count: usize) {
    let stream = "EVENTS";
    let durable = Durable { stream, name };
    let consumer = plant.log.log.open_durable(durable).await.unwrap();
    for _ in 0..2 {
        let mut pulled = Vec::new();
        while pulled.len() < count {
            let most = count - pulled.len();
            let asked = consumer.batch().max_messages(most).messages().await;
            let mut messages = asked.unwrap();
            while let Some(message) = messages.next().await {
                pulled.push(message.unwrap());
            }
        }
        for message in pulled {
            message.ack_with(AckKind::Nak(None)).await.unwrap();
        }
    }
}

/// Returns a probe that waits `within` a time for another delivery, and sends whether both were
/// handled at the same time.
fn meeting(barrier: &Arc<Barrier>, met: &mpsc::Sender<bool>, within: Duration) -> Arc<Probe> {
    let (barrier, met) = (barrier.clone(), met.clone());
    Probe::new(move |_| {
        let (barrier, met) = (barrier.clone(), met.clone());
        async move {
            let both = tokio::time::timeout(within, barrier.wait()).await;
            met.send(both.is_ok()).await.unwrap();
            Verdict::Done
        }
    })
}

/// Runs the worker in a process of its own, as far as its tasks and its connection are concerned.
/// The process dies when the work of `culprit` begins.
fn die_of(namespace: String, culprit: Position, limits: WorkLimits) {
    let (begins, mut begun) = mpsc::channel(1);
    let probe = Probe::new(move |delivery: Delivery| {
        let begins = begins.clone();
        async move {
            if delivery.event.position == culprit {
                let _ = begins.send(()).await;
                pending::<()>().await;
            }
            Verdict::Done
        }
    });
    let process = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    process.block_on(async {
        let log = open(&servers().nats_url, &namespace).await;
        let worker = Arc::new(Stoppable(probe));
        let state = StateHandle::new(Probe::NAME);
        let end = CancellationToken::new();
        tokio::spawn(workers::run(log, worker, limits, state, end));
        begun.recv().await.unwrap();
    });
    process.shutdown_background();
}

#[tokio::test]
async fn only_the_work_that_crashes_the_process_is_given_up() {
    let plant = Plant::new().await;
    let short = json!({ "ack_wait": 1_000_000_000_u64 });
    plant.set_consumer("renderer", short).await;
    let positions = put(&plant, 6).await;
    let culprit = positions[0];
    let limits = WorkLimits {
        max_crashes: 5,
        ..WorkLimits::new(2)
    };
    for _ in 0..limits.max_crashes {
        let namespace = plant.log.namespace.name().to_owned();
        let dies = tokio::task::spawn_blocking(move || die_of(namespace, culprit, limits));
        dies.await.unwrap();
    }
    let last = Probe::new(async |_| Verdict::Done);
    let (_, _) = plant.run_within(plant.log.log.clone(), last.clone(), limits);
    let letters = plant.until_dead_letters(1).await;
    assert_eq!(letters[0].position, culprit);
    plant.settled("renderer").await;
    let abandoned: Vec<_> = last.abandoned().iter().map(|(at, _)| *at).collect();
    assert_eq!(abandoned, [culprit]);
    assert!(
        last.seen().iter().all(|(at, _)| *at != culprit),
        "before it begins"
    );
}

#[tokio::test]
async fn stoppable_work_is_handed_back_at_shutdown_and_is_no_crash() {
    let plant = Plant::new().await;
    let positions = put(&plant, 1).await;
    let limits = WorkLimits {
        max_crashes: 3,
        ..WorkLimits::new(1)
    };
    // More deployments than crashes would be allowed.
    for _ in 0..3 {
        let probe = Probe::new(async |_| pending().await);
        let end = CancellationToken::new();
        let log = plant.log.log.clone();
        let worker = Arc::new(Stoppable(probe.clone()));
        let state = StateHandle::new(Probe::NAME);
        let running = tokio::spawn(workers::run(log, worker, limits, state, end.clone()));
        until("the work has begun", async || !probe.seen().is_empty()).await;
        end.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(30), running).await;
        ended.expect("does not wait for the work").unwrap().unwrap();
    }
    let last = Probe::new(async |_| Verdict::Done);
    plant.run_within(plant.log.log.clone(), last.clone(), limits);
    plant.settled("renderer").await;
    let done: Vec<_> = last.seen().iter().map(|(at, _)| *at).collect();
    assert_eq!(done, positions);
    assert!(plant.dead_letters().await.is_empty());
}

#[tokio::test]
async fn suspects_without_a_counted_crash_are_handled_at_the_same_time() {
    let plant = Plant::new().await;
    let positions = put(&plant, 2).await;
    hand_back_twice(&plant, "renderer", 2).await;
    let (sends, mut met) = mpsc::channel(100);
    let barrier = Arc::new(Barrier::new(2));
    let probe = meeting(&barrier, &sends, Duration::from_secs(30));
    plant.run(probe.clone());
    assert_eq!(
        (met.recv().await, met.recv().await),
        (Some(true), Some(true))
    );
    let suspects: Vec<_> = positions.iter().map(|position| (*position, 3)).collect();
    assert_eq!(probe.seen(), suspects);
    plant.settled("renderer").await;
}

#[tokio::test]
async fn workers_of_a_process_handle_one_event_with_a_counted_crash_at_a_time() {
    let plant = Plant::new().await;
    let position = put(&plant, 1).await[0];
    let of_renderer = plant.consumer("renderer").await["config"]["filter_subjects"].clone();
    let same = json!({ "filter_subjects": of_renderer });
    plant.set_consumer("importer", same).await;
    let log = &plant.log.log;
    for worker in ["renderer", "importer"] {
        log.set_crashes(worker, position, 1).await.unwrap();
        hand_back_twice(&plant, worker, 1).await;
    }
    let (sends, mut met) = mpsc::channel(100);
    let (alone, other) = (Arc::new(Mutex::new(())), Arc::new(Notify::new()));
    let probe = Probe::new(move |_| {
        let (alone, other, sends) = (alone.clone(), other.clone(), sends.clone());
        async move {
            if let Ok(_alone) = alone.try_lock() {
                // Gives the other worker the time to begin.
                let _ = tokio::time::timeout(Duration::from_secs(1), other.notified()).await;
                sends.send(false).await.unwrap();
            } else {
                other.notify_one();
                sends.send(true).await.unwrap();
            }
            Verdict::Done
        }
    });
    let states = WorkerStates::default();
    let importing = Arc::new(Importing(probe.clone()));
    let (limits, end) = (WorkLimits::new(2), &plant.shutdown);
    let state = states.register("renderer");
    tokio::spawn(workers::run(log.clone(), probe, limits, state, end.clone()));
    let state = states.register("importer");
    tokio::spawn(workers::run(
        log.clone(),
        importing,
        limits,
        state,
        end.clone(),
    ));
    assert_eq!(
        (met.recv().await, met.recv().await),
        (Some(false), Some(false))
    );
    for worker in ["renderer", "importer"] {
        plant.settled(worker).await;
        assert_eq!(log.crashes(worker, position).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn outage_at_the_end_of_an_attempt_is_no_crash() {
    let plant = Plant::new().await;
    let position = put(&plant, 1).await[0];
    hand_back_twice(&plant, "renderer", 1).await;
    let barrier = Arc::new(Barrier::new(2));
    let ends = barrier.clone();
    let probe = Probe::new(move |_| {
        let ends = ends.clone();
        async move {
            ends.wait().await;
            ends.wait().await;
            Verdict::Done
        }
    });
    let log = &plant.log.log;
    let (state, _) = plant.run_within(log.clone(), probe, WorkLimits::new(1));
    barrier.wait().await;
    assert_eq!(log.crashes("renderer", position).await.unwrap(), 1);
    plant
        .set_stream("TIMERS", json!({ "max_msg_size": 1 }))
        .await;
    barrier.wait().await;
    until("the worker is paused", async || !state.is_running()).await;
    let stored = json!({ "max_msg_size": -1 });
    plant.set_stream("TIMERS", stored).await;
    plant.settled("renderer").await;
    assert_eq!(log.crashes("renderer", position).await.unwrap(), 0);
}
