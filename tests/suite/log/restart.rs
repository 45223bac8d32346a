//! Tests that kill a server under load. No acknowledged event is lost, and clients reconnect
//! without help.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use laureate::commands::{CommandError, Commands};
use laureate::dev_stack::Server;
use laureate::domain::accounts::user::User;
use laureate::domain::certification::mail::{
    EmailQueued, Mail, MailCommand, MailDelivery, OnUnknown, Stage,
};
use laureate::domain::{CommandId, MailId};
use laureate::event_log::{Commit, EventLog, Position, RecordedEvent};
use laureate::workers::WorkerStates;
use laureate::workers::timers::{Timer, Timers, TimersOf};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::fixture::{
    append, change_password, commands, event_with, open, person, put, read_all, registered,
};
use crate::support::{Restarting, until};
use crate::workers::issuing::queued_mail;

/// Event that a writer has appended and the server has acknowledged.
#[derive(Clone)]
struct Acknowledged {
    position: Position,
    event_id: Uuid,
    body: Bytes,
}

/// Appends to one aggregate until `stop` is set or the outcome of an append is unknown. Returns the
/// acknowledged events.
async fn write(
    log: EventLog,
    id: String,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
) -> Vec<Acknowledged> {
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let last = acknowledged.last().map_or(0, |a| a.position);
        let body = Bytes::from(format!(
            "{{\"writer\":\"{id}\",\"n\":{}}}",
            acknowledged.len()
        ));
        let event = event_with(body.clone());
        let event_id = event.event_id;
        match log
            .append(Commit::new(
                log.names(),
                vec![append(&id, last, vec![event])],
            ))
            .await
        {
            Ok(positions) => acknowledged.push(Acknowledged {
                position: positions[0],
                event_id,
                body,
            }),
            Err(_) => break,
        }
        count.fetch_add(1, Ordering::Relaxed);
    }
    acknowledged
}

/// Repeatedly changes the password of one user until `stop` is set. Returns each command with its
/// position, or with `None` if it was not acknowledged.
async fn command(
    commands: Commands,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
) -> Vec<(CommandId, Option<Position>)> {
    let id = registered(&commands).await;
    let mut message = Vec::new();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let context = person();
        let outcome = match commands
            .execute::<User>(&context, id, change_password(n))
            .await
        {
            Ok(done) => Some(done.position),
            Err(CommandError::Busy | CommandError::Log(_)) => None,
            Err(error) => panic!("{error}"),
        };
        message.push((context.command_id, outcome));
        count.fetch_add(1, Ordering::Relaxed);
    }
    message
}

async fn progress(count: &AtomicUsize, beyond: usize) {
    until("the writers make progress", async || {
        count.load(Ordering::Relaxed) > beyond
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_events_survive_sigkill_under_load() {
    let mut server = Restarting::start().await;
    let log = open(&server.nats_url(), "kill").await;
    log.provision(1).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..16)
        .map(|n| {
            tokio::spawn(write(
                log.clone(),
                format!("w{n}"),
                stop.clone(),
                count.clone(),
            ))
        })
        .collect();
    let commanders: Vec<_> = (0..4)
        .map(|_| tokio::spawn(command(commands(&log), stop.clone(), count.clone())))
        .collect();
    progress(&count, 400).await;
    server.kill(Server::Nats);
    server.start_again(Server::Nats).await;
    // Commands continue after the kill without help. A writer ends at an append whose outcome is
    // unknown.
    let after = count.load(Ordering::Relaxed);
    progress(&count, after + 20).await;
    stop.store(true, Ordering::Relaxed);

    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    let mut message = Vec::new();
    for commander in commanders {
        message.extend(commander.await.unwrap());
    }
    let events = read_all(&log).await;
    let by_position: HashMap<Position, &RecordedEvent> =
        events.iter().map(|e| (e.position, e)).collect();
    assert!(acknowledged.len() > 200, "{}", acknowledged.len());
    for one in &acknowledged {
        let event = by_position[&one.position];
        assert_eq!((event.event_id, &event.body), (one.event_id, &one.body));
    }
    for (command_id, position) in message {
        let written: Vec<_> = events
            .iter()
            .filter(|e| e.command_id == command_id)
            .collect();
        match position {
            Some(position) => assert_eq!(
                written.iter().map(|e| e.position).collect::<Vec<_>>(),
                [position]
            ),
            None => assert!(written.len() <= 1, "written {} times", written.len()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reader_continues_after_a_restart() {
    let mut server = Restarting::start().await;
    let log = open(&server.nats_url(), "reader").await;
    log.provision(1).await.unwrap();
    put(&log, "a", 0, (0..50).map(super::fixture::event).collect()).await;
    let mut reader = log.read_after(0);
    let mut seen: Vec<Position> = Vec::new();
    while seen.len() < 30 {
        let batch = reader
            .next_batch(30 - seen.len(), Duration::from_secs(30))
            .await
            .unwrap();
        seen.extend(batch.iter().map(|e| e.position));
    }
    server.kill(Server::Nats);
    server.start_again(Server::Nats).await;
    until("the log is available again", async || {
        log.info().await.is_ok()
    })
    .await;
    put(&log, "b", 0, (0..10).map(super::fixture::event).collect()).await;
    // This takes at most one minute. Errors while the client reconnects are ignored, and the read
    // is repeated.
    for _ in 0..120 {
        let Ok(batch) = reader.next_batch(1_000, Duration::from_millis(500)).await else {
            continue;
        };
        seen.extend(batch.iter().map(|e| e.position));
        if seen.len() >= 60 {
            break;
        }
    }
    assert_eq!(seen, (1..=60).collect::<Vec<_>>(), "each once, in order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timer_survives_a_restart_of_the_server() {
    let mut server = Restarting::start().await;
    let log = open(&server.nats_url(), "timer").await;
    log.provision(1).await.unwrap();
    let commands = commands(&log);
    let id = MailId(Uuid::new_v4());
    let due = time::OffsetDateTime::now_utc() + time::Duration::seconds(2);
    let mail = EmailQueued {
        delivery: MailDelivery::At(due),
        ..queued_mail("ada@example.com", OnUnknown::Park)
    };
    let queued = commands
        .execute::<Mail>(&person(), id, MailCommand::Queue(Box::new(mail)))
        .await
        .unwrap();
    let timer = Timer {
        aggregate: "mail",
        id: &id.to_string(),
        position: queued.position,
    };
    log.set_timer(&timer.name(), due).await.unwrap();
    server.kill(Server::Nats);
    server.start_again(Server::Nats).await;
    let stop = CancellationToken::new();
    let timers = Timers::new(commands.clone(), TimersOf::Mails, &WorkerStates::default());
    let stopped = stop.clone();
    until("the log is available again", async || {
        log.info().await.is_ok()
    })
    .await;
    let running = tokio::spawn(timers.run(stopped));
    let stage = async || {
        commands
            .load::<Mail>(id)
            .await
            .map(|mail| mail.state.stage)
            .ok()
    };
    until("the mail is released", async || {
        stage().await == Some(Stage::Queued)
    })
    .await;
    let events = log.load("mail", &id.to_string(), 0).await.unwrap();
    assert!(events[1].time >= due, "it was released too early");
    stop.cancel();
    running.await.unwrap().unwrap();
}
