//! Tests with a cluster. Its leaders step down or are killed under load. After that, the log
//! contains each acknowledged event exactly once, all commits are complete, and clients reconnect
//! without help.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use laureate::commands::{CommandError, Commands};
use laureate::domain::CommandId;
use laureate::domain::accounts::user::User;
use laureate::event_log::{AppendError, Commit, EventLog, NewEvent, Position, RecordedEvent};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::fixture::{append, change_password, commands, event, person, read_all, registered};
use super::nodes::{Nodes, step_down};
use crate::support::until;

/// Result of one commit: the positions of its events, or `None` if it was refused.
struct Told {
    events: Vec<Uuid>,
    positions: Option<Vec<Position>>,
}

/// Commands, each with the position of its event. `None` if the command failed.
type Commanded = Vec<(CommandId, Option<Position>)>;

/// State that all writers share.
#[derive(Clone, Default)]
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
}

impl Load {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn count(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until `more` additional commits or commands are done.
    async fn progress(&self, more: usize) {
        let goal = self.done.load(Ordering::Relaxed) + more;
        until("the writers make progress", async || {
            self.done.load(Ordering::Relaxed) >= goal
        })
        .await;
    }
}

/// Repeatedly commits to the same aggregates, with `each` events for each aggregate.
async fn write(log: EventLog, ids: Vec<String>, each: usize, load: Load) -> Vec<Told> {
    let mut last = vec![0; ids.len()];
    let mut message = Vec::new();
    while load.goes_on() {
        let events: Vec<Vec<NewEvent>> = ids
            .iter()
            .map(|_| (0..each).map(|_| event(message.len())).collect())
            .collect();
        let appends: Vec<_> = (0..ids.len())
            .map(|n| append(&ids[n], last[n], events[n].clone()))
            .collect();
        let positions = settle(
            &log,
            &ids,
            &events,
            Commit::new(log.names(), appends.clone()),
        )
        .await;
        if let Some(positions) = &positions {
            last = positions
                .chunks(each)
                .map(|of_one| *of_one.last().unwrap())
                .collect();
            load.count();
        }
        message.push(Told {
            events: events.iter().flatten().map(|e| e.event_id).collect(),
            positions,
        });
    }
    message
}

/// Repeats the append of `commit` until its outcome is known. Returns `None` if the commit was
/// refused.
async fn settle(
    log: &EventLog,
    ids: &[String],
    events: &[Vec<NewEvent>],
    commit: Commit,
) -> Option<Vec<Position>> {
    for _ in 0..1_000 {
        match log.append(commit.clone()).await {
            Ok(positions) => return Some(positions),
            Err(AppendError::Unavailable(_) | AppendError::Refused(_)) => return None,
            // If the outcome is unknown, the events may have been written. If they were not, the
            // same commit is still valid.
            Err(AppendError::Unknown(_) | AppendError::Conflict) => {}
        }
        if let Some(positions) = find(log, ids, events).await {
            return Some(positions);
        }
    }
    panic!("neither written nor refused");
}

async fn find(log: &EventLog, ids: &[String], events: &[Vec<NewEvent>]) -> Option<Vec<Position>> {
    let mut positions = Vec::new();
    for (id, events) in ids.iter().zip(events) {
        let stored = log.load("user", id, 0).await.ok()?;
        let position = |event: &NewEvent| stored.iter().find(|s| s.event_id == event.event_id);
        for event in events {
            positions.push(position(event)?.position);
        }
    }
    Some(positions)
}

/// Repeatedly changes the password of one user. Returns each command with the position of its
/// event.
async fn command(commands: Commands, load: Load) -> Commanded {
    let id = registered(&commands).await;
    let mut message = Vec::new();
    while load.goes_on() {
        let context = person();
        let outcome = match commands
            .execute::<User>(&context, id, change_password(message.len()))
            .await
        {
            Ok(done) => Some(done.position),
            Err(CommandError::Busy | CommandError::Log(_)) => None,
            Err(error) => panic!("{error}"),
        };
        load.count();
        message.push((context.command_id, outcome));
    }
    message
}

/// Reads all events up to the position that will later be stored in `end`.
async fn read(log: EventLog, end: Arc<AtomicU64>) -> Vec<Position> {
    let mut reader = log.read_after(0);
    let mut seen = Vec::new();
    let start = Instant::now();
    while reader.position() < end.load(Ordering::Relaxed) {
        assert!(
            start.elapsed() < Duration::from_secs(90),
            "the reader is at position {}",
            reader.position()
        );
        // An error while there is no leader is retried.
        if let Ok(batch) = reader.next_batch(500, Duration::from_millis(250)).await {
            seen.extend(batch.iter().map(|e| e.position));
        }
    }
    seen
}

struct Writers {
    writers: Vec<JoinHandle<Vec<Told>>>,
    commanders: Vec<JoinHandle<Commanded>>,
}

/// Starts writers on each process: for single events of an aggregate (published individually or in
/// group commits), for commits of three aggregates with two events each, and for commands.
fn start_writers(processes: &[EventLog], load: &Load) -> Writers {
    let mut all = Writers {
        writers: Vec::new(),
        commanders: Vec::new(),
    };
    for (p, log) in processes.iter().enumerate() {
        for n in 0..5 {
            let ids = vec![format!("single-{p}-{n}")];
            all.writers
                .push(tokio::spawn(write(log.clone(), ids, 1, load.clone())));
        }
        for n in 0..3 {
            let ids = (0..3).map(|m| format!("several-{p}-{n}-{m}")).collect();
            all.writers
                .push(tokio::spawn(write(log.clone(), ids, 2, load.clone())));
        }
        all.commanders
            .push(tokio::spawn(command(commands(log), load.clone())));
    }
    all
}

impl Writers {
    /// Waits until all writers have ended, and returns all results.
    async fn end(self) -> (Vec<Told>, Commanded) {
        let mut message = Vec::new();
        let mut commands = Vec::new();
        for writer in self.writers {
            let one = writer.await.unwrap();
            assert!(
                one.iter().any(|one| one.positions.is_some()),
                "a writer wrote nothing"
            );
            message.extend(one);
        }
        for commander in self.commanders {
            commands.extend(commander.await.unwrap());
        }
        (message, commands)
    }
}

fn compare(
    message: Vec<Told>,
    commands: &[(CommandId, Option<Position>)],
    events: &[RecordedEvent],
) {
    let mut places: HashMap<Uuid, Vec<Position>> = HashMap::new();
    for event in events {
        places
            .entry(event.event_id)
            .or_default()
            .push(event.position);
    }
    for Told { events, positions } in message {
        let Some(positions) = positions else {
            assert!(
                events.iter().all(|id| !places.contains_key(id)),
                "refused, but in the log"
            );
            continue;
        };
        let contiguous: Vec<_> = (positions[0]..).take(events.len()).collect();
        assert_eq!(positions, contiguous, "not contiguous");
        for (id, position) in events.iter().zip(positions) {
            assert_eq!(
                places.get(id),
                Some(&vec![position]),
                "missing, elsewhere, or written twice"
            );
        }
    }
    for (command_id, position) in commands {
        let written = events.iter().filter(|e| e.command_id == *command_id);
        let written: Vec<_> = written.map(|e| e.position).collect();
        match position {
            Some(position) => assert_eq!(written, [*position]),
            None => assert!(written.len() <= 1, "written {} times", written.len()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_survive_leader_changes_and_killed_leaders() {
    let mut nodes = Nodes::start().await;
    let processes = [
        nodes.process(0).await,
        nodes.process(1).await,
        nodes.process(2).await,
    ];
    processes[0].provision(3).await.unwrap();
    let load = Load::default();
    let end = Arc::new(AtomicU64::new(u64::MAX));
    let readers: Vec<_> = processes
        .iter()
        .map(|log| tokio::spawn(read(log.clone(), end.clone())))
        .collect();
    let writers = start_writers(&processes, &load);
    load.progress(300).await;
    for _ in 0..4 {
        step_down(&processes[0]).await;
        load.progress(100).await;
    }
    let dead = nodes.leader(&processes[0]).await;
    nodes.kill(dead).await;
    load.progress(300).await;
    nodes.start_again(dead);
    load.progress(300).await;
    load.stop.store(true, Ordering::Relaxed);
    let (message, commands) = writers.end().await;
    assert!(
        message.iter().all(|one| one.positions.is_some()),
        "refused instead of waiting for a leader"
    );
    assert!(
        commands.iter().all(|(_, position)| position.is_some()),
        "a command failed"
    );

    let other = &processes[(dead + 1) % 3];
    nodes.level(other).await;
    let events = read_all(other).await;
    compare(message, &commands, &events);
    let positions: Vec<_> = events.iter().map(|e| e.position).collect();
    end.store(*positions.last().unwrap(), Ordering::Relaxed);
    for reader in readers {
        assert_eq!(reader.await.unwrap(), positions, "each once, in order");
    }
    // Reads the same events through the node that was killed and restarted.
    let back = nodes.process_on(dead).await;
    for id in ["single-0-0", "several-2-2-1"] {
        let of_one = events
            .iter()
            .filter(|e| e.id == id)
            .map(|e| e.position)
            .collect::<Vec<_>>();
        let loaded = back.load("user", id, 0).await.unwrap();
        assert_eq!(
            loaded.iter().map(|e| e.position).collect::<Vec<_>>(),
            of_one,
            "{id}"
        );
    }
    a_leader_without_followers(&mut nodes, other).await;
}

/// Tests a leader that has no followers. It receives a commit, but can't acknowledge it. If the
/// events are written, the result of the commit must not be a refusal.
async fn a_leader_without_followers(nodes: &mut Nodes, log: &EventLog) {
    let leader = nodes.leader(log).await;
    let log = nodes.process_on(leader).await;
    let followers = [(leader + 1) % 3, (leader + 2) % 3];
    for node in followers {
        nodes.kill(node).await;
    }
    let events = [vec![event(0), event(1)], vec![event(2)]];
    let ids = ["alone-a".to_owned(), "alone-b".to_owned()];
    let appends = vec![
        append(&ids[0], 0, events[0].clone()),
        append(&ids[1], 0, events[1].clone()),
    ];
    let commit = Commit::new(log.names(), appends);
    let outcome = log.append(commit.clone()).await;
    for node in followers {
        nodes.start_again(node);
    }
    nodes.level(&log).await;
    let there = find(&log, &ids, &events).await.is_some();
    match outcome {
        Err(AppendError::Unknown(_)) => {}
        Err(AppendError::Unavailable(why)) => {
            assert!(!there, "reported as refused, but in the log: {why}")
        }
        other => panic!("one of three nodes acknowledged alone: {other:?}"),
    }
    let positions = settle(&log, &ids, &events, commit)
        .await
        .expect("written in the end");
    let stored = read_all(&log).await;
    let own = stored
        .iter()
        .filter(|e| ids.contains(&e.id))
        .map(|e| e.position)
        .collect::<Vec<_>>();
    assert_eq!(own, positions, "each once");
}
