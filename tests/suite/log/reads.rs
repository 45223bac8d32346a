//! Reads of aggregates: the requests that they send, and the answers that count.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use laureate::event_log::{Cause, Commit, Consistency, EventLog, Position};
use serde_json::{Value, json};

use super::fixture::{Log, append, event, event_with, put};
use super::tap::Tap;
use crate::support::until;

/// Returns the event at a position as the cause of a read.
async fn cause(log: &EventLog, position: Position) -> Cause {
    (&log.event_at(position).await.unwrap()).into()
}

fn subjects(log: &EventLog, ids: &[&str]) -> Value {
    let subjects = ids.iter().map(|id| log.names().aggregate("user", id));
    json!(subjects.collect::<Vec<_>>())
}

#[tokio::test]
async fn one_answer_proves_that_an_aggregate_was_read_after_another_event() {
    let log = Log::provisioned().await;
    let at = put(&log.log, "a", 0, vec![event(1)]).await[0];
    let last = put(&log.log, "b", 0, vec![event(2)]).await[0];
    let cause = cause(&log.log, last).await;
    let mut tap = Tap::on(&log).await;
    for consistency in [
        Consistency::After(cause.clone()),
        Consistency::Leader(Some(cause)),
        Consistency::Leader(None),
    ] {
        let found = log.log.last_position("user", "a", &consistency).await;
        assert_eq!(found.unwrap(), at);
        let requests = tap.requests().await;
        // The leader only tells its last event. Two answers might come from two leaders.
        let leader = match consistency {
            Consistency::Leader(_) => json!([{ "last_by_subj": ">" }]),
            _ => json!([]),
        };
        assert_eq!(json!(requests.leader), leader, "{consistency:?}");
        let asked = requests.replicas.iter().map(|ask| &ask["multi_last"]);
        let asked: Vec<_> = asked.collect();
        assert_eq!(asked, [&subjects(&log.log, &["a", "b"])], "{consistency:?}");
    }
}

#[tokio::test]
async fn known_history_and_its_first_event_need_no_leader() {
    let log = Log::provisioned().await;
    let known = put(&log.log, "a", 0, vec![event(1), event(2)]).await[1];
    let mut tap = Tap::on(&log).await;
    let history = log.log.history("user", "a", 0, known).await.unwrap();
    assert_eq!(history.len(), 2);
    let first = log.log.first("user", "a", known).await.unwrap();
    assert_eq!(first.position, history[0].position);
    let requests = tap.requests().await;
    assert!(requests.leader.is_empty(), "{requests:?}");
    let sizes = requests.replicas.iter().map(|ask| &ask["batch"]);
    let sizes: Vec<_> = sizes.collect();
    assert_eq!(sizes, [&json!(1_024), &json!(1)]);
}

/// The log is created again, so that it lacks events that a process knows, as a leader that was
/// replaced does.
#[tokio::test]
async fn leader_that_lacks_a_known_event_is_asked_again() {
    let log = Log::provisioned().await;
    let known = put(&log.log, "a", 0, (0..3).map(event).collect()).await[2];
    let other = log.another_process().await;
    let stream = log.log.names().events();
    other.context().delete_stream(stream).await.unwrap();
    other.provision(1).await.unwrap();

    let received = || {
        let statistics = log.log.client().statistics();
        statistics.in_messages.load(Ordering::Relaxed)
    };
    let before = received();
    let answered = async {
        until("the log has answered", async || received() > before + 2).await;
        put(&other, "b", 0, (0..3).map(event).collect()).await
    };
    let (loaded, positions) = tokio::join!(log.log.load("user", "b", 0), answered);
    assert_eq!(positions.last(), Some(&known));
    assert_eq!(loaded.unwrap().len(), 3);
}

#[tokio::test]
async fn last_positions_that_need_several_answers_are_complete() {
    let log = Log::provisioned().await;
    let body = Bytes::from(vec![b' '; 3 << 20]);
    let mut expected = HashMap::new();
    for n in 0..5 {
        let id = format!("large-{n}");
        let at = put(&log.log, &id, 0, vec![event_with(body.clone())]).await[0];
        expected.insert(log.log.names().aggregate("user", &id), at);
    }
    let mut subjects: Vec<_> = expected.keys().cloned().collect();
    subjects.push(log.log.names().aggregate("user", "nobody"));
    let mut tap = Tap::on(&log).await;
    for at in [Consistency::Any, Consistency::Leader(None)] {
        let found = log.log.last_positions(&subjects, &at).await.unwrap();
        assert_eq!(found, expected);
    }
    let asked = tap.requests().await.replicas;
    assert!(asked.len() >= 4, "{asked:?}");
    // With these limits, the answer would not show how far the replica is.
    let is_limited = |ask: &Value| !ask["seq"].is_null() || !ask["up_to_seq"].is_null();
    assert!(!asked.iter().any(is_limited), "{asked:?}");
}

#[tokio::test]
async fn last_positions_of_more_subjects_than_fit_into_a_request_are_complete() {
    let log = Log::provisioned().await;
    let ids: Vec<_> = (0..1_500).map(|n| n.to_string()).collect();
    let mut last = Vec::new();
    for some in ids.chunks(750) {
        let appends = some.iter().map(|id| append(id, 0, vec![event(1)]));
        let commit = Commit::new(log.log.names(), appends.collect());
        last.extend(log.log.append(commit).await.unwrap());
    }
    let subject = |id: &String| log.log.names().aggregate("user", id);
    let subjects: Vec<_> = ids.iter().map(subject).collect();
    let at = Consistency::Leader(None);
    let found = log.log.last_positions(&subjects, &at).await.unwrap();
    let expected: HashMap<_, _> = subjects.into_iter().zip(last).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn last_message_of_a_timer_is_read_from_the_leader() {
    let log = Log::provisioned().await;
    log.log
        .fire_timer("work.tests.1", "1".into())
        .await
        .unwrap();
    let timers = log.log.names().timers();
    let due = log.log.names().due("work.tests.1");
    let mut tap = Tap::on_stream(&log, &timers).await;
    let last = log.log.last_kept(&timers, &due).await.unwrap();
    assert_eq!(last.unwrap().1, "1");
    let requests = tap.requests().await;
    assert!(!requests.leader.is_empty() && requests.replicas.is_empty());
}
