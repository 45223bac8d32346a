//! Failing work, crashes, and infrastructure that is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use laureate::commands::CommandContext;
use laureate::domain::UserId;
use laureate::domain::accounts::user::{User, UserCommand};
use laureate::domain::certification::issuance::Issuance;
use laureate::event_log::{Append, Commit, Durable, Position};
use laureate::workers::renderer::RendererWorker;
use laureate::workers::retries::repeat;
use laureate::workers::{Away, Delivery, Verdict, WorkLimits, Worker, WorkerState};

use serde_json::json;

use super::fixture::{Plant, Probe, first_delivery};
use super::issuing::{rendering, request, requested};
use crate::log::fixture::{append, event, user};
use crate::support::until;

/// Appends events to issuances of their own.
pub(super) async fn put(plant: &Plant, count: usize) -> Vec<Position> {
    let log = &plant.log.log;
    let mut positions = Vec::new();
    for n in 0..count {
        let event = event(n);
        let id = event.event_id.to_string();
        let append = Append {
            aggregate: "issuance",
            ..append(&id, 0, vec![event])
        };
        let commit = Commit::new(log.names(), vec![append]);
        positions.extend(log.append(commit).await.unwrap());
    }
    positions
}

fn failed() -> Verdict {
    Verdict::Failed {
        why: "STORAGE".to_owned(),
    }
}

fn away() -> Verdict {
    Verdict::Away {
        what: Away::Storage,
        why: "no answer".to_owned(),
    }
}

#[tokio::test]
async fn failing_work_is_repeated_by_timers_without_pending_deliveries() {
    let plant = Plant::new().await;
    let positions = put(&plant, 2).await;
    let probe = Probe::new(async |delivery: Delivery| {
        if delivery.event.position == 1 && delivery.attempt < 3 {
            failed()
        } else {
            Verdict::Done
        }
    });
    plant.run(probe.clone());
    plant.settled("renderer").await;
    let expected = [
        (positions[0], 1),
        (positions[0], 2),
        (positions[0], 3),
        (positions[1], 1),
    ];
    until("the third attempt succeeded", async || {
        probe.seen() == expected
    })
    .await;
    assert!(plant.dead_letters().await.is_empty());
    assert!(probe.abandoned().is_empty());
}

#[tokio::test]
async fn failing_work_is_given_up_when_its_budget_is_used_up() {
    let plant = Plant::new().await;
    let positions = put(&plant, 1).await;
    let probe = Probe::new(async |_| failed());
    let limits = WorkLimits {
        budget: Some(Duration::from_millis(1_500)),
        ..WorkLimits::new(1)
    };
    plant.run_within(plant.log.log.clone(), probe.clone(), limits);
    let letters = plant.until_dead_letters(1).await;
    assert!(probe.seen().len() >= 3, "{:?}", probe.seen());
    assert_eq!(probe.abandoned(), [(positions[0], "STORAGE".to_owned())]);
    assert_eq!(letters[0].cause, "STORAGE");
    assert_eq!(letters[0].attempts as usize, probe.seen().len());

    // The operator requests the work again. It has a new budget, and another letter if it fails.
    repeat(&plant.log.log, "renderer", positions[0])
        .await
        .unwrap();
    plant.until_dead_letters(2).await;
    assert!(probe.seen().len() >= 5, "{:?}", probe.seen());
}

#[tokio::test]
async fn worker_that_crashes_each_time_gives_up_the_work_before_it_begins() {
    let plant = Plant::new().await;
    let positions = put(&plant, 3).await;
    let culprit = positions[1];
    let probe = Probe::new(move |delivery: Delivery| async move {
        assert!(delivery.event.position != culprit, "simulated crash");
        Verdict::Done
    });
    let limits = WorkLimits {
        max_crashes: 2,
        ..WorkLimits::new(2)
    };
    plant.run_within(plant.log.log.clone(), probe.clone(), limits);
    let letters = plant.until_dead_letters(1).await;
    plant.settled("renderer").await;
    let expected = [
        (positions[0], 1),
        (culprit, 1),
        (culprit, 2),
        (positions[2], 1),
    ];
    assert_eq!(probe.seen(), expected);
    assert_eq!((letters[0].position, letters[0].attempts), (culprit, 3));
    assert_eq!(probe.abandoned()[0].0, culprit);
}

#[tokio::test]
async fn worker_pauses_while_the_storage_is_away_and_keeps_its_deliveries() {
    let plant = Plant::new().await;
    let positions = put(&plant, 20).await;
    let is_away = Arc::new(AtomicBool::new(true));
    let seen = is_away.clone();
    let probe = Probe::new(move |_| {
        let is_away = seen.load(Ordering::Relaxed);
        async move { if is_away { away() } else { Verdict::Done } }
    });
    probe.is_storage_away.store(true, Ordering::Relaxed);
    // A panic of a check counts as a failed check, and doesn't end the checks.
    probe.next_check_panics.store(true, Ordering::Relaxed);
    let limits = WorkLimits {
        budget: Some(Duration::ZERO),
        ..WorkLimits::new(2)
    };
    let (state, _) = plant.run_within(plant.log.log.clone(), probe.clone(), limits);
    until("the worker is paused", async || {
        matches!(state.get(), WorkerState::Paused(_))
    })
    .await;
    until("the next check has named the reason", async || {
        state.get() == WorkerState::Paused([(Away::Storage, "not mounted".to_owned())].into())
    })
    .await;
    let held = plant.consumer("renderer").await["num_ack_pending"].clone();
    assert!(held.as_u64().unwrap() <= 4, "pulls no more: {held}");
    is_away.store(false, Ordering::Relaxed);
    probe.is_storage_away.store(false, Ordering::Relaxed);
    plant.settled("renderer").await;
    assert_eq!(state.get(), WorkerState::Running);
    assert!(probe.seen().iter().all(|(_, attempt)| *attempt == 1));
    let mut done: Vec<_> = probe.seen().iter().map(|(position, _)| *position).collect();
    done.dedup();
    assert_eq!(done, positions);
    assert!(plant.dead_letters().await.is_empty());
}

#[tokio::test]
async fn error_of_one_work_does_not_pause_the_worker_if_the_storage_is_there() {
    let plant = Plant::new().await;
    put(&plant, 2).await;
    let probe = Probe::new(async |delivery: Delivery| {
        if delivery.event.position == 1 {
            away()
        } else {
            Verdict::Done
        }
    });
    let limits = WorkLimits {
        budget: Some(Duration::ZERO),
        ..WorkLimits::new(1)
    };
    let (state, _) = plant.run_within(plant.log.log.clone(), probe.clone(), limits);
    let letters = plant.until_dead_letters(1).await;
    assert_eq!(letters[0].position, 1);
    plant.settled("renderer").await;
    assert_eq!(state.get(), WorkerState::Running);
}

#[tokio::test]
async fn paused_and_stopped_workers_hand_back_their_deliveries() {
    let plant = Plant::new().await;
    let positions = put(&plant, 2).await;
    let probe = Probe::new(async |_| away());
    probe.is_storage_away.store(true, Ordering::Relaxed);
    let limits = WorkLimits::new(2);
    let (state, _) = plant.run_within(plant.log.another_process().await, probe.clone(), limits);
    until("the worker is paused", async || {
        matches!(state.get(), WorkerState::Paused(_))
    })
    .await;
    state.stop("an event of a newer version");
    let other = Probe::new(async |_| Verdict::Done);
    plant.run(other.clone());
    plant.settled("renderer").await;
    let seen = other.seen();
    let done: Vec<_> = seen.iter().map(|(position, _)| *position).collect();
    assert_eq!(done, positions, "each once");
    assert!(seen.iter().any(|(_, attempt)| *attempt == 2), "{seen:?}");
}

#[tokio::test]
async fn given_up_certificate_has_an_outcome() {
    let plant = Plant::new().await;
    let why = "the worker crashed";
    let id = requested(&plant, request("Ada", "ada@example.com")).await;
    let event = plant.log.all().await.pop().unwrap();
    let renderer = RendererWorker(rendering(&plant));
    renderer.abandon(&first_delivery(event), why).await.unwrap();
    let issuance = plant.log.commands.load::<Issuance>(id).await.unwrap().state;
    let code = issuance.failure.map(|failure| failure.code);
    assert_eq!(code.as_deref(), Some("WORKER_STOPPED"));
}

#[tokio::test]
async fn worker_pauses_while_the_log_stores_no_writes() {
    let plant = Plant::new().await;
    let positions = put(&plant, 2).await;
    let short = json!({ "ack_wait": 2_000_000_000_u64 });
    plant.set_consumer("renderer", short).await;
    // The server answers reads and refuses writes, as with a full disk.
    plant.set_events(json!({ "max_msgs": 2 })).await;
    let commands = plant.log.commands.clone();
    let probe = Probe::new(move |delivery: Delivery| {
        let commands = commands.clone();
        async move {
            let register = UserCommand::Register(user("ada"));
            let context = CommandContext::of_process(&delivery.event, "test", 0);
            let id = UserId(delivery.event.event_id);
            match commands.execute::<User>(&context, id, register).await {
                Ok(_) => Verdict::Done,
                Err(error) => error.into(),
            }
        }
    });
    let limits = WorkLimits {
        budget: Some(Duration::ZERO),
        ..WorkLimits::new(2)
    };
    let (state, _) = plant.run_within(plant.log.log.clone(), probe.clone(), limits);
    until(
        "the worker is paused",
        async || matches!(state.get(), WorkerState::Paused(away) if away.contains_key(&Away::Log)),
    )
    .await;
    plant.set_events(json!({ "max_msgs": -1 })).await;
    plant.settled("renderer").await;
    let users = plant.log.all().await.into_iter();
    let users = users.filter(|event| event.event_type == "UserRegistered");
    assert_eq!(users.count(), positions.len());
    assert!(plant.dead_letters().await.is_empty());
    assert!(probe.abandoned().is_empty());
}

#[tokio::test]
async fn worker_pauses_while_only_the_stream_of_timers_stores_no_writes() {
    let plant = Plant::new().await;
    put(&plant, 1).await;
    let short = json!({ "ack_wait": 2_000_000_000_u64 });
    plant.set_consumer("renderer", short).await;
    plant
        .set_stream("TIMERS", json!({ "max_msg_size": 1 }))
        .await;
    let probe = Probe::new(async |delivery: Delivery| {
        if delivery.attempt == 1 {
            failed()
        } else {
            Verdict::Done
        }
    });
    let (state, _) = plant.run_within(plant.log.log.clone(), probe.clone(), WorkLimits::new(1));
    until(
        "the worker is paused",
        async || matches!(state.get(), WorkerState::Paused(away) if away.contains_key(&Away::Log)),
    )
    .await;
    let stored = json!({ "max_msg_size": -1 });
    plant.set_stream("TIMERS", stored).await;
    plant.settled("renderer").await;
    assert_eq!(probe.seen().len(), 2);
    until("the worker runs", async || state.is_running()).await;
}

#[tokio::test]
async fn long_pause_of_one_process_does_not_keep_its_deliveries_from_others() {
    let plant = Plant::new().await;
    let positions = put(&plant, 4).await;
    let sick = Probe::new(async |_| away());
    sick.is_storage_away.store(true, Ordering::Relaxed);
    let limits = WorkLimits {
        kept_for: Duration::from_millis(300),
        ..WorkLimits::new(2)
    };
    let (state, _) = plant.run_within(plant.log.another_process().await, sick.clone(), limits);
    until("the worker is paused", async || !state.is_running()).await;
    let healthy = Probe::new(async |_| Verdict::Done);
    plant.run(healthy.clone());
    plant.settled("renderer").await;
    let done: Vec<_> = healthy
        .seen()
        .iter()
        .map(|(position, _)| *position)
        .collect();
    assert_eq!(
        done, positions,
        "each once, while the other process is paused"
    );
    assert!(!state.is_running());
}

#[tokio::test]
async fn work_without_the_sandbox_continues_while_the_sandbox_is_away() {
    let plant = Plant::new().await;
    put(&plant, 5).await;
    let probe = Probe::new(async |delivery: Delivery| {
        if delivery.event.position == 1 {
            Verdict::Away {
                what: Away::Sandbox,
                why: "no memory".to_owned(),
            }
        } else {
            Verdict::Done
        }
    });
    probe.is_storage_away.store(true, Ordering::Relaxed);
    let limits = WorkLimits {
        budget: Some(Duration::ZERO),
        ..WorkLimits::new(1)
    };
    let (state, _) = plant.run_within(plant.log.log.clone(), probe.clone(), limits);
    plant.settled("renderer").await;
    assert_eq!(probe.seen().len(), 5);
    assert!(
        matches!(state.get(), WorkerState::Paused(_)),
        "health names it"
    );
    let timer = plant.log.log.names().timer("work.renderer.1");
    let timers = plant.log.log.names().timers();
    let set = plant.log.log.kept(&timers, &timer, 1).await.unwrap();
    assert_eq!(set.len(), 1, "a timer repeats the work");
    assert!(plant.dead_letters().await.is_empty());
}

#[tokio::test]
async fn missing_consumer_of_timers_pauses_the_worker() {
    let plant = Plant::new().await;
    let log = &plant.log.log;
    let timers = log
        .context()
        .get_stream(log.names().timers())
        .await
        .unwrap();
    timers.delete_consumer("renderer_retries").await.unwrap();
    let probe = Probe::new(async |_| Verdict::Done);
    let (state, _) = plant.run_within(log.clone(), probe, WorkLimits::new(1));
    until("health names the consumer", async || {
        let advice = "the consumer renderer_retries does not exist; run `laureate provision`";
        matches!(state.get(), WorkerState::Paused(away) if away[&Away::Log].contains(advice))
    })
    .await;
    log.provision(None).await.unwrap();
    until("the worker runs", async || state.is_running()).await;
}

#[tokio::test]
async fn timer_without_a_readable_event_becomes_a_dead_letter() {
    let plant = Plant::new().await;
    let probe = Probe::new(async |_| Verdict::Done);
    plant.run(probe.clone());
    repeat(&plant.log.log, "renderer", 99).await.unwrap();
    let letters = plant.until_dead_letters(1).await;
    assert_eq!(
        (letters[0].position, letters[0].id.as_str()),
        (99, "unknown")
    );
    assert!(letters[0].cause.contains("no message there"), "{letters:?}");
    assert!(probe.seen().is_empty());
}

#[tokio::test]
async fn timer_of_a_newer_program_stops_the_worker_and_stays() {
    let plant = Plant::new().await;
    let log = &plant.log.log;
    let body = r#"{"version":2,"works":[1,2]}"#;
    log.fire_timer("work.renderer.1", body.into())
        .await
        .unwrap();
    let probe = Probe::new(async |_| Verdict::Done);
    let (state, _) = plant.run_within(log.clone(), probe.clone(), WorkLimits::new(1));
    until("the worker is stopped", async || {
        matches!(state.get(), WorkerState::Stopped { .. })
    })
    .await;
    let durable = Durable {
        stream: "TIMERS",
        name: "renderer_retries",
    };
    until("the timer waits for another process", async || {
        let consumer = log.open_durable(durable).await.unwrap();
        let info = consumer.cached_info();
        info.ack_floor.stream_sequence == 0 && info.delivered.stream_sequence > 0
    })
    .await;
}
