//! Concurrent commands for the same aggregate or claim, sent by processes on different nodes of a
//! cluster.

use std::collections::HashSet;

use futures_util::future::join_all;
use laureate::commands::{CommandError, Commands};
use laureate::domain::Refusal;
use laureate::domain::kernel::claim::{Claim, ClaimCommand, ClaimKind};
use laureate::event_log::{AppendError, Commit, EventLog, Position};
use uuid::Uuid;

use super::fixture::{Log, On, append, commands, event, on_both, person};

on_both!(
    each_race_on_an_aggregate_has_one_winner,
    each_contested_claim_has_one_owner,
);

impl On {
    /// Returns the number of races. It is smaller on one server: there are no races between nodes,
    /// and each losing commit of several events needs 10 ms of disk time.
    const fn races(self) -> usize {
        match self {
            Self::OneServer => 100,
            Self::Cluster => 500,
        }
    }
}

/// Opens three processes. On a cluster, each process is connected to another node.
async fn processes(log: &Log) -> [EventLog; 3] {
    [
        log.another_process().await,
        log.another_process().await,
        log.another_process().await,
    ]
}

async fn each_race_on_an_aggregate_has_one_winner(on: On) {
    let log = Log::on(on).await;
    let processes = processes(&log).await;
    let mut last = 0;
    let mut won = Vec::new();
    for n in 0..on.races() {
        // Each process has two racers. In every third race, the commits have several events.
        let length = if n % 3 == 0 { 2 } else { 1 };
        let racers: Vec<_> = (0..6).map(|_| vec![event(n); length]).collect();
        let answers = join_all(racers.iter().enumerate().map(|(racer, events)| {
            let process = &processes[racer % 3];
            let commit = Commit::new(process.names(), vec![append("prize", last, events.clone())]);
            process.append(commit)
        }))
        .await;
        let mut winners = answers
            .into_iter()
            .zip(&racers)
            .filter_map(|(answer, events)| match answer {
                Ok(positions) => Some((positions, events)),
                Err(AppendError::Conflict) => None,
                Err(error) => panic!("race {n}: {error}"),
            });
        let (positions, events) = winners
            .next()
            .unwrap_or_else(|| panic!("race {n} has no winner"));
        assert!(winners.next().is_none(), "race {n} has two winners");
        last = *positions.last().expect("at least one event");
        won.extend(
            positions
                .iter()
                .copied()
                .zip(events.iter().map(|e| e.event_id)),
        );
    }
    let standing: Vec<(Position, Uuid)> = log
        .all()
        .await
        .iter()
        .map(|e| (e.position, e.event_id))
        .collect();
    assert_eq!(
        standing, won,
        "the log contains exactly the acknowledged events"
    );
}

/// Takes a claim. Returns the owner and the position, or `None` if the claim has another owner.
async fn take(process: &Commands, id: &str) -> Option<(Uuid, Position)> {
    let owner = Uuid::new_v4();
    let take = ClaimCommand::Take {
        kind: ClaimKind::UserName,
        owner,
    };
    match process.execute::<Claim>(&person(), id, take).await {
        Ok(done) => Some((owner, done.position)),
        Err(CommandError::Refused(Refusal::Taken(_))) => None,
        Err(error) => panic!("{id}: {error}"),
    }
}

async fn each_contested_claim_has_one_owner(on: On) {
    let log = Log::on(on).await;
    let processes = processes(&log).await.map(|process| commands(&process));
    let ids: Vec<String> = (0..on.races()).map(|n| format!("claim-{n}")).collect();
    let mut owners = Vec::new();
    // 50 concurrent races, so that they share group commits.
    for some in ids.chunks(50) {
        let races = some
            .iter()
            .map(|id| join_all(processes.iter().map(move |process| take(process, id))));
        for outcome in join_all(races).await {
            let taken: Vec<_> = outcome.into_iter().flatten().collect();
            assert_eq!(taken.len(), 1, "{taken:?}");
            owners.push(taken[0]);
        }
    }
    let all = log.all().await;
    assert_eq!(all.len(), on.races(), "one event each");
    assert_eq!(
        all.iter().map(|e| &e.id).collect::<HashSet<_>>().len(),
        on.races()
    );
    for (id, (owner, position)) in ids.iter().zip(owners) {
        let event = all.iter().find(|e| e.id == *id).expect("taken");
        assert_eq!(event.position, position);
        assert_eq!(
            log.commands.load::<Claim>(id).await.unwrap().state.0,
            Some(owner),
            "{id}"
        );
    }
}
