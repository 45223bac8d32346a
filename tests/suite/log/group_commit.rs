//! Group commit under load. A conflict in one commit does not affect the other commits.

use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;
use laureate::event_log::{AppendError, Commit, NewEvent, Position};
use uuid::Uuid;

use super::fixture::{Log, On, append, event, on_both, put};

on_both!(
    conflicts_do_not_affect_other_commits,
    commits_of_several_aggregates_stay_complete_under_load,
    several_processes_write_concurrently,
    queued_commits_to_one_aggregate_keep_their_order,
);

/// Returns the ids of all events, by position.
async fn stored(log: &Log) -> HashMap<Position, Uuid> {
    log.all()
        .await
        .iter()
        .map(|e| (e.position, e.event_id))
        .collect()
}

async fn conflicts_do_not_affect_other_commits(on: On) {
    let log = Log::on(on).await;
    put(&log.log, "held", 0, vec![event(0)]).await;
    let commits: Vec<(String, NewEvent)> = (0..303)
        .map(|n| {
            let id = if n % 101 == 50 {
                "held".to_owned()
            } else {
                format!("own-{n}")
            };
            (id, event(n))
        })
        .collect();
    let answers = join_all(commits.iter().map(|(id, event)| {
        log.log.append(Commit::new(
            log.log.names(),
            vec![append(id, 0, vec![event.clone()])],
        ))
    }))
    .await;

    let stored = stored(&log).await;
    let mut positions = HashSet::new();
    for ((id, event), answer) in commits.iter().zip(answers) {
        match answer {
            Ok(acknowledged) => {
                assert_ne!(id, "held");
                assert_eq!(acknowledged.len(), 1);
                assert_eq!(stored.get(&acknowledged[0]), Some(&event.event_id), "{id}");
                positions.insert(acknowledged[0]);
            }
            Err(error) => {
                assert_eq!(id, "held", "{error}");
                assert!(matches!(error, AppendError::Conflict), "{error}");
                assert!(
                    !stored.values().any(|id| *id == event.event_id),
                    "refused, but in the log"
                );
            }
        }
    }
    assert_eq!(positions.len(), 300);
    assert_eq!(stored.len(), 301);
}

async fn commits_of_several_aggregates_stay_complete_under_load(on: On) {
    let log = Log::on(on).await;
    put(&log.log, "held", 0, vec![event(0)]).await;
    // Each commit has two events of one aggregate and one event of another. Every seventh commit
    // has a conflict at the aggregate `held`.
    let commits: Vec<(bool, [NewEvent; 3])> = (0..150)
        .map(|n| (n % 7 == 3, [event(n), event(n), event(n)]))
        .collect();
    let answers = join_all(
        commits
            .iter()
            .enumerate()
            .map(|(n, (conflicts, [a, b, c]))| {
                let other = if *conflicts {
                    "held".to_owned()
                } else {
                    format!("second-{n}")
                };
                let appends = vec![
                    append(&format!("first-{n}"), 0, vec![a.clone(), b.clone()]),
                    append(&other, 0, vec![c.clone()]),
                ];
                log.log.append(Commit::new(log.log.names(), appends))
            }),
    )
    .await;

    let stored = stored(&log).await;
    for ((conflicts, events), answer) in commits.iter().zip(answers) {
        match answer {
            Ok(positions) => {
                assert!(!conflicts);
                assert_eq!(
                    [positions[0] + 1, positions[0] + 2],
                    positions[1..],
                    "not contiguous"
                );
                for (position, event) in positions.iter().zip(events) {
                    assert_eq!(stored.get(position), Some(&event.event_id));
                }
            }
            Err(error) => {
                assert!(
                    *conflicts && matches!(error, AppendError::Conflict),
                    "{error}"
                );
                let there = |event: &NewEvent| stored.values().any(|id| *id == event.event_id);
                assert!(
                    !events.iter().any(there),
                    "a part of a refused commit is in the log"
                );
            }
        }
    }
    let good = commits.iter().filter(|(conflicts, _)| !conflicts).count();
    assert_eq!(stored.len(), 1 + 3 * good);
}

async fn several_processes_write_concurrently(on: On) {
    let log = Log::on(on).await;
    let mut writers = Vec::new();
    for process in 0..4 {
        let other = log.another_process().await;
        writers.push(tokio::spawn(async move {
            let events: Vec<_> = (0..200).map(event).collect();
            let answers = join_all(events.iter().enumerate().map(|(n, event)| {
                let id = format!("{process}-{n}");
                other.append(Commit::new(
                    other.names(),
                    vec![append(&id, 0, vec![event.clone()])],
                ))
            }))
            .await;
            let position =
                |answer: Result<Vec<Position>, AppendError>| answer.expect("acknowledged")[0];
            events
                .iter()
                .map(|e| e.event_id)
                .zip(answers.into_iter().map(position))
                .collect::<Vec<_>>()
        }));
    }
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    let stored = stored(&log).await;
    assert_eq!(stored.len(), 800);
    for (event_id, position) in acknowledged {
        assert_eq!(stored.get(&position), Some(&event_id));
    }
}

async fn queued_commits_to_one_aggregate_keep_their_order(on: On) {
    let log = Log::on(on).await;
    // Each append expects the position of the previous one. All appends are queued at the same
    // time, but can only be written one after the other.
    let commits: Vec<_> = (0..20)
        .map(|n| append("chain", n, vec![event(n as usize)]))
        .collect();
    let answers = join_all(commits.iter().map(|one| {
        log.log
            .append(Commit::new(log.log.names(), vec![one.clone()]))
    }))
    .await;
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap(), [n as Position + 1]);
    }
    let ids: Vec<_> = log.all().await.iter().map(|e| e.event_id).collect();
    assert_eq!(
        ids,
        commits
            .iter()
            .map(|c| c.events[0].event_id)
            .collect::<Vec<_>>()
    );
}
