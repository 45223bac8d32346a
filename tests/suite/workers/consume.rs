//! Main loop that all workers have.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::PullConsumer;
use futures_util::StreamExt;
use laureate::commands::CommandError;
use laureate::event_log::{Append, Commit, NewEvent, Position};
use laureate::workers::{Away, Delivery, StateHandle, Verdict, WorkLimits, Worker};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::fixture::{Plant, Probe};
use crate::log::fixture::{append, event};
use crate::support::until;

/// Appends each event to an issuance of its own.
pub async fn put(plant: &Plant, events: Vec<NewEvent>) -> Vec<Position> {
    let log = &plant.log.log;
    let mut positions = Vec::new();
    for event in events {
        let id = event.event_id.to_string();
        let append = Append {
            aggregate: "issuance",
            ..append(&id, 0, vec![event])
        };
        positions.extend(
            log.append(Commit::new(log.names(), vec![append]))
                .await
                .unwrap(),
        );
    }
    positions
}

/// Returns a probe that completes one delivery for each permit of the semaphore.
pub fn gated() -> (Arc<Probe>, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let passed = gate.clone();
    let probe = Probe::new(move |_| {
        let passed = passed.clone();
        async move {
            passed.acquire().await.unwrap().forget();
            Verdict::Done
        }
    });
    (probe, gate)
}

fn firsts(positions: &[Position]) -> Vec<(Position, u32)> {
    positions.iter().map(|position| (*position, 1)).collect()
}

#[tokio::test]
async fn events_that_the_worker_does_not_handle_are_acknowledged() {
    let plant = Plant::new().await;
    let unwanted = || NewEvent {
        event_type: "Unwanted",
        ..event(0)
    };
    let events = (0..60)
        .map(|n| if n % 3 == 0 { event(n) } else { unwanted() })
        .collect();
    let positions = put(&plant, events).await;
    let probe = Probe::new(async |_| Verdict::Done);
    plant.run(probe.clone());
    plant.settled("renderer").await;
    let wanted: Vec<_> = positions.into_iter().step_by(3).collect();
    assert_eq!(probe.seen(), firsts(&wanted));
}

#[tokio::test]
async fn retry_verdict_repeats_the_work_after_the_delay() {
    let plant = Plant::new().await;
    let positions = put(&plant, vec![event(0)]).await;
    let times: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let noted = times.clone();
    let after = Duration::from_millis(400);
    let probe = Probe::new(move |delivery| {
        noted.lock().unwrap().push(Instant::now());
        async move {
            if delivery.attempt < 3 {
                Verdict::Again {
                    after,
                    why: "not yet".to_owned(),
                }
            } else {
                Verdict::Done
            }
        }
    });
    plant.run(probe.clone());
    until("the third attempt was delivered", async || {
        probe.seen().len() == 3
    })
    .await;
    plant.settled("renderer").await;
    assert_eq!(
        probe.seen(),
        [(positions[0], 1), (positions[0], 2), (positions[0], 3)]
    );
    let times = times.lock().unwrap().clone();
    for pair in times.windows(2) {
        assert!(
            pair[1] - pair[0] >= after * 9 / 10,
            "{:?}",
            pair[1] - pair[0]
        );
    }
    assert!(plant.dead_letters().await.is_empty());
}

#[tokio::test]
async fn given_up_delivery_becomes_a_dead_letter_and_is_not_redelivered() {
    let plant = Plant::new().await;
    let mut given_up = event(0);
    given_up.body = r#"{"email":"ada@example.com"}"#.into();
    let event_id = given_up.event_id;
    let positions = put(&plant, vec![given_up]).await;
    let probe = Probe::new(async |_| Verdict::GiveUp {
        why: "NO_USE".to_owned(),
    });
    plant.run(probe.clone());
    let letters = plant.until_dead_letters(1).await;
    plant.settled("renderer").await;
    assert_eq!(
        probe.seen(),
        firsts(&positions),
        "terminated, so it can't be redelivered"
    );

    let letter = &letters[0];
    assert_eq!(
        (letter.worker.as_str(), letter.position),
        ("renderer", positions[0])
    );
    assert_eq!(
        (letter.event_id, letter.id.clone()),
        (event_id, event_id.to_string())
    );
    assert_eq!(
        (letter.event_type.as_str(), letter.aggregate.as_str()),
        ("Tested", "issuance")
    );
    assert_eq!((letter.attempts, letter.cause.as_str()), (1, "NO_USE"));
    let raw = plant.dead_letters().await;
    assert!(
        !String::from_utf8_lossy(&raw[0]).contains("ada"),
        "personal data in a dead letter"
    );
}

#[tokio::test]
async fn message_that_is_not_an_event_does_not_block_others() {
    let plant = Plant::new().await;
    let log = &plant.log.log;
    let subject = log.names().aggregate("issuance", "foreign");
    log.context()
        .publish(subject, "not ours".into())
        .await
        .unwrap()
        .await
        .unwrap();
    let positions = put(&plant, vec![event(1)]).await;
    let probe = Probe::new(async |_| Verdict::Done);
    plant.run(probe.clone());
    plant.settled("renderer").await;
    assert_eq!(probe.seen(), firsts(&positions));
    let letter = &plant.until_dead_letters(1).await[0];
    assert_eq!((letter.position, letter.id.as_str()), (1, "foreign"));
    assert!(letter.cause.contains("is not an event"), "{letter:?}");
}

#[tokio::test]
async fn two_processes_share_the_work() {
    let plant = Plant::new().await;
    let positions = put(&plant, (0..200).map(event).collect()).await;
    // Each worker waits until both workers have a delivery.
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let worker = || {
        let both = both.clone();
        let first = Arc::new(tokio::sync::OnceCell::new());
        Probe::new(move |_| {
            let both = both.clone();
            let first = first.clone();
            async move {
                first
                    .get_or_init(async || {
                        both.wait().await;
                    })
                    .await;
                Verdict::Done
            }
        })
    };
    let one = worker();
    let other = worker();
    plant.run_on(plant.log.another_process().await, one.clone(), 4);
    plant.run_on(plant.log.another_process().await, other.clone(), 4);
    plant.settled("renderer").await;
    assert!(!one.seen().is_empty() && !other.seen().is_empty());
    let mut seen = [one.seen(), other.seen()].concat();
    seen.sort_unstable();
    assert_eq!(seen, firsts(&positions), "each once");
}

#[tokio::test]
async fn shutdown_waits_for_work_in_progress() {
    let plant = Plant::new().await;
    let positions = put(&plant, vec![event(0)]).await;
    let (probe, gate) = gated();
    let running = plant.run(probe.clone());
    until("the work has started", async || !probe.seen().is_empty()).await;
    plant.shutdown.cancel();
    let late = put(&plant, vec![event(1)]).await;
    assert!(!running.is_finished());
    gate.add_permits(9);
    running.await.unwrap();
    assert_eq!(probe.seen(), firsts(&positions), "no new work starts");
    // The late events are not acknowledged, even if the server has already sent some of them for
    // the last pull request.
    until("only the late one is open", async || {
        let info = plant.consumer("renderer").await;
        let open =
            info["num_ack_pending"].as_u64().unwrap() + info["num_pending"].as_u64().unwrap();
        open == late.len() as u64
    })
    .await;
}

/// Waits until the ack wait has passed `count` times. For this, it uses another consumer that has
/// the same ack wait and whose message is never acknowledged. Each redelivery shows that the ack
/// wait has passed on the server.
async fn ack_waits_pass(plant: &Plant, count: i64) {
    let stream = plant
        .log
        .log
        .context()
        .get_stream(plant.log.log.names().events())
        .await
        .unwrap();
    let consumer: PullConsumer = stream.get_consumer("processes").await.unwrap();
    let mut messages = consumer.messages().await.unwrap();
    loop {
        let message = messages.next().await.unwrap().unwrap();
        if message.info().unwrap().delivered > count {
            return;
        }
    }
}

#[tokio::test]
async fn deliveries_in_progress_or_waiting_are_not_redelivered() {
    let plant = Plant::new().await;
    for consumer in ["renderer", "processes"] {
        plant
            .set_consumer(consumer, json!({ "ack_wait": 1_000_000_000_u64 }))
            .await;
    }
    let positions = put(&plant, (0..40).map(event).collect()).await;
    let (probe, gate) = gated();
    plant.run_on(plant.log.log.clone(), probe.clone(), 2);
    until("the work has started", async || probe.seen().len() == 2).await;
    ack_waits_pass(&plant, 3).await;
    // If the server regarded a delivery as lost, it would now redeliver it to another process,
    // which has free permits.
    let other = Probe::new(async |_| Verdict::Done);
    plant.run_on(plant.log.another_process().await, other.clone(), 2);
    until("the other process has done the rest", async || {
        other.seen().len() >= 38
    })
    .await;
    gate.add_permits(1_000);
    plant.settled("renderer").await;
    let mut seen = [probe.seen(), other.seen()].concat();
    seen.sort_unstable();
    assert_eq!(seen, firsts(&positions), "each once, at its first delivery");
}

/// Probe that requests more batches than it has permits for.
pub struct Ahead(pub Arc<Probe>);

impl Worker for Ahead {
    const NAME: &'static str = Probe::NAME;
    const AHEAD: usize = 16;
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

#[tokio::test]
async fn waiting_deliveries_are_kept_alive_and_returned_at_shutdown() {
    let plant = Plant::new().await;
    for consumer in ["renderer", "processes"] {
        plant
            .set_consumer(consumer, json!({ "ack_wait": 1_000_000_000_u64 }))
            .await;
    }
    let positions = put(&plant, (0..10).map(event).collect()).await;
    let (probe, gate) = gated();
    let running = plant.run_on(plant.log.log.clone(), Arc::new(Ahead(probe.clone())), 1);
    until("all are delivered", async || {
        plant.consumer("renderer").await["num_ack_pending"] == 10
    })
    .await;
    ack_waits_pass(&plant, 3).await;
    assert_eq!(
        plant.consumer("renderer").await["num_redelivered"],
        0,
        "each is kept alive"
    );
    assert_eq!(
        probe.seen().len(),
        1,
        "one permit, one delivery in progress"
    );

    plant.shutdown.cancel();
    gate.add_permits(1);
    running.await.unwrap();
    assert_eq!(probe.seen().len(), 1, "no new work starts");
    let other = Probe::new(async |_| Verdict::Done);
    let log = plant.log.log.clone();
    let worker = other.clone();
    let stop = CancellationToken::new();
    let second = tokio::spawn(laureate::workers::run(
        log,
        worker,
        WorkLimits::new(1),
        StateHandle::new(Probe::NAME),
        stop.clone(),
    ));
    plant.settled("renderer").await;
    let begun = probe.seen()[0].0;
    let rest: Vec<_> = positions
        .into_iter()
        .filter(|position| *position != begun)
        .map(|p| (p, 2))
        .collect();
    assert_eq!(other.seen(), rest, "each is redelivered once");
    stop.cancel();
    second.await.unwrap().unwrap();
}
