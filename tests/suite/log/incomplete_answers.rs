//! Last positions of many aggregates, and of aggregates that a replica lacks.

use std::collections::HashMap;
use std::time::Duration;

use laureate::event_log::{Cause, Commit, Consistency, EventLog, Position};
use uuid::Uuid;

use super::fixture::{Log, On, append, event, on_both, put};
use super::nodes::Nodes;
use crate::support::until;

on_both!(last_positions_of_more_subjects_than_one_request_finds);

/// Number of aggregates: three requests of at most 1,000.
const MANY: usize = 2_100;
/// Delay of the replication. It is longer than the time after which the leader is asked.
const DELAY: Duration = Duration::from_secs(3);

async fn last_positions_of_more_subjects_than_one_request_finds(on: On) {
    let log = Log::on(on).await;
    let ids: Vec<String> = (0..MANY).map(|n| format!("many-{n}")).collect();
    let mut expected: HashMap<String, Position> = HashMap::new();
    for part in ids.chunks(700) {
        let appends = part.iter().map(|id| append(id, 0, vec![event(0)]));
        let commit = Commit::new(log.log.names(), appends.collect());
        let positions = log.log.append(commit).await.unwrap();
        let subjects = part.iter().map(|id| log.log.names().aggregate("user", id));
        expected.extend(subjects.zip(positions));
    }
    let mut subjects: Vec<String> = expected.keys().cloned().collect();
    subjects.push(log.log.names().aggregate("user", "missing"));
    let last = log.all().await.pop().unwrap();
    for at in [
        Consistency::Leader(None),
        Consistency::leader_after(&last),
        Consistency::after(&last),
    ] {
        let found = log.log.last_positions(&subjects, &at).await.unwrap();
        assert!(found == expected, "{} found, {at:?}", found.len());
    }
}

/// Appends an event to a new aggregate, and then one to another. Returns the subject and position
/// of the first, and the second as cause.
async fn two(log: &EventLog) -> (String, Position, Cause) {
    let id = Uuid::new_v4().to_string();
    let position = put(log, &id, 0, vec![event(0)]).await[0];
    let cause = event(1);
    let event_id = cause.event_id;
    let other = Uuid::new_v4().to_string();
    let cause = Cause {
        position: put(log, &other, 0, vec![cause]).await[0],
        event_id,
        aggregate: "user".to_owned(),
        id: other,
    };
    (log.names().aggregate("user", &id), position, cause)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answer_of_a_replica_without_the_cause_does_not_count() {
    let nodes = Nodes::start_slowable().await;
    let any = nodes.process(0).await;
    any.provision(3).await.unwrap();
    let leader = nodes.leader(&any).await;
    let slow = (leader + 1) % 3;
    let fast = nodes.process_on(leader).await;
    let slowed = nodes.process_on(slow).await;
    nodes.level(&fast).await;
    nodes.slow(slow, DELAY);

    // The node has neither event, so its answer is that there are no messages.
    let mut written = None;
    until("the node lags", async || {
        let (subject, position, cause) = two(&fast).await;
        let subjects = [subject.clone()];
        let found = slowed.last_positions(&subjects, &Consistency::Any).await;
        let lags = found.unwrap().is_empty();
        written = Some((subject, position, cause));
        lags
    })
    .await;
    let (subject, position, cause) = written.unwrap();
    let at = Consistency::After(cause);
    let found = slowed
        .last_positions(std::slice::from_ref(&subject), &at)
        .await;
    assert_eq!(found.unwrap(), HashMap::from([(subject, position)]));
}
