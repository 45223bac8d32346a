//! Event log on a real server. It contains each appended event once and in order, and no other
//! events.

mod failover;
pub mod fixture;
mod group_commit;
mod incomplete_answers;
mod lagging;
pub mod nodes;
mod provisioning;
mod races;
mod reads;
mod restart;
mod serial;
mod slow_routes;
pub mod tap;
mod unanswered;

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use laureate::event_log::batch::MAX_BATCH;
use laureate::event_log::plan::Action;
use laureate::event_log::{Append, AppendError, Commit, Consistency, LogError, Position, Step};

use crate::support::until;
use fixture::{Log, On, append, event, event_with, on_both, put};

on_both!(
    second_provisioning_changes_nothing,
    log_that_was_not_provisioned_is_reported,
    commit_of_several_aggregates_is_contiguous_and_in_order,
    outdated_expected_position_conflicts_alone_and_in_a_batch,
    commit_with_one_conflicting_aggregate_writes_nothing,
    empty_or_too_large_commit_is_refused,
    too_large_event_is_refused_and_not_retried,
    aggregate_with_many_events_is_loaded_completely,
    aggregate_with_large_events_is_loaded_completely,
    reader_continues_at_its_position_and_waits_for_new_events,
    reader_without_its_consumer_returns_no_event_twice,
    reader_replaces_a_consumer_that_delivers_nothing,
    message_that_is_not_an_event_stops_the_reader_with_its_position,
    namespaces_are_independent,
);

const PAUSE: &str = r#"{"pause_until":"2999-01-01T00:00:00Z"}"#;
/// Durable consumers of the log.
const WORKERS: [&str; 5] = ["importer", "processes", "renderer", "mailer", "notifier"];
/// Time in which existing events arrive, even on a busy machine.
const SOON: Duration = Duration::from_secs(30);

async fn second_provisioning_changes_nothing(on: On) {
    let namespace = on.namespace();
    let log = on.open(&namespace).await;
    let first = log.provision(on.replicas()).await.unwrap();
    assert!(
        first.iter().all(|step| step.action == Action::Create),
        "{first:?}"
    );
    let second = log.provision(on.replicas()).await.unwrap();
    assert!(
        second.iter().all(|step| step.action == Action::Nothing),
        "{second:?}"
    );
    let names = |steps: &[Step]| {
        steps
            .iter()
            .map(|step| step.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&first), names(&second));
    assert_eq!(
        first.len(),
        18,
        "five streams and thirteen consumers: {first:?}"
    );
}

async fn log_that_was_not_provisioned_is_reported(on: On) {
    let namespace = on.namespace();
    let log = on.open(&namespace).await;
    assert!(matches!(log.info().await, Err(LogError::NotProvisioned)));
    assert!(matches!(
        log.load("user", "a", 0).await,
        Err(LogError::NotProvisioned)
    ));
    let refused = log
        .append(Commit::new(
            log.names(),
            vec![append("a", 0, vec![event(1)])],
        ))
        .await;
    let Err(AppendError::Unavailable(why)) = refused else {
        panic!("{refused:?}")
    };
    assert!(why.contains("laureate provision"), "{why}");
}

async fn commit_of_several_aggregates_is_contiguous_and_in_order(on: On) {
    let log = Log::on(on).await;
    let events: Vec<_> = (0..6).map(event).collect();
    let commit = Commit::new(
        log.log.names(),
        vec![
            append("a", 0, events[..3].to_vec()),
            append("b", 0, events[3..4].to_vec()),
            Append {
                aggregate: "claim",
                ..append("c", 0, events[4..].to_vec())
            },
        ],
    );
    let positions = log.log.append(commit).await.unwrap();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6]);

    let all = log.all().await;
    for (index, (recorded, new)) in all.iter().zip(&events).enumerate() {
        assert_eq!(recorded.position, positions[index]);
        assert_eq!(
            (recorded.event_id, recorded.command_id),
            (new.event_id, new.command_id)
        );
        assert_eq!(
            (recorded.correlation_id, &recorded.actor),
            (new.correlation_id, &new.actor)
        );
        assert_eq!((&recorded.body, recorded.time), (&new.body, new.time));
    }
    let places: Vec<_> = all
        .iter()
        .map(|e| format!("{}/{}", e.aggregate, e.id))
        .collect();
    assert_eq!(
        places,
        ["user/a", "user/a", "user/a", "user/b", "claim/c", "claim/c"]
    );

    let loaded = |aggregate, id, after| {
        let log = &log.log;
        async move {
            let events = log.load(aggregate, id, after).await.unwrap();
            events.iter().map(|e| e.position).collect::<Vec<_>>()
        }
    };
    assert_eq!(loaded("user", "a", 0).await, [1, 2, 3]);
    assert_eq!(loaded("user", "a", 2).await, [3]);
    assert_eq!(loaded("claim", "c", 0).await, [5, 6]);
    assert_eq!(
        loaded("user", "c", 0).await,
        [0; 0],
        "an aggregate of another type"
    );
    assert_eq!(loaded("user", "nobody", 0).await, [0; 0]);
    assert_eq!(
        log.log
            .last_position("user", "a", &Consistency::Leader(None))
            .await
            .unwrap(),
        3
    );
    assert_eq!(
        log.log
            .last_position("user", "nobody", &Consistency::Leader(None))
            .await
            .unwrap(),
        0
    );
}

async fn outdated_expected_position_conflicts_alone_and_in_a_batch(on: On) {
    let log = Log::on(on).await;
    let positions = put(&log.log, "a", 0, vec![event(1)]).await;
    for (expected, events) in [
        (0, vec![event(2)]),
        (0, vec![event(2), event(3)]),
        (7, vec![event(2)]),
    ] {
        let commit = Commit::new(log.log.names(), vec![append("a", expected, events)]);
        let refused = log.log.append(commit).await;
        assert!(
            matches!(refused, Err(AppendError::Conflict)),
            "{expected}: {refused:?}"
        );
    }
    assert_eq!(log.all().await.len(), 1);
    put(&log.log, "a", positions[0], vec![event(2)]).await;
}

async fn commit_with_one_conflicting_aggregate_writes_nothing(on: On) {
    let log = Log::on(on).await;
    put(&log.log, "b", 0, vec![event(1)]).await;
    // The aggregate with the conflict is the first, the middle and the last one.
    for order in [["b", "a", "c"], ["a", "b", "c"], ["a", "c", "b"]] {
        let appends: Vec<_> = order
            .iter()
            .map(|id| append(id, 0, vec![event(2), event(3)]))
            .collect();
        let refused = log
            .log
            .append(Commit::new(log.log.names(), appends.clone()))
            .await;
        assert!(
            matches!(refused, Err(AppendError::Conflict)),
            "{order:?}: {refused:?}"
        );
    }
    assert_eq!(log.all().await.len(), 1);
}

async fn empty_or_too_large_commit_is_refused(on: On) {
    let log = Log::on(on).await;
    let many = vec![event(1); MAX_BATCH + 1];
    for events in [Vec::new(), many] {
        let refused = log
            .log
            .append(Commit::new(log.log.names(), vec![append("a", 0, events)]))
            .await;
        assert!(
            matches!(refused, Err(AppendError::Refused(_))),
            "{refused:?}"
        );
    }
    put(&log.log, "a", 0, vec![event(1); MAX_BATCH]).await;
    assert_eq!(log.log.load("user", "a", 0).await.unwrap().len(), MAX_BATCH);
}

async fn too_large_event_is_refused_and_not_retried(on: On) {
    let log = Log::on(on).await;
    let most = log.log.client().server_info().max_payload;
    let large = event_with(Bytes::from(vec![b' '; most]));
    for events in [
        vec![large.clone()],
        vec![event(1), large.clone()],
        vec![large, event(1)],
    ] {
        let refused = log
            .log
            .append(Commit::new(log.log.names(), vec![append("a", 0, events)]))
            .await;
        assert!(
            matches!(refused, Err(AppendError::Refused(_))),
            "{refused:?}"
        );
    }
    put(&log.log, "a", 0, vec![event(1)]).await;
    assert_eq!(log.all().await.len(), 1);
}

async fn aggregate_with_many_events_is_loaded_completely(on: On) {
    let log = Log::on(on).await;
    let mut last = 0;
    for n in 0..5 {
        let events: Vec<_> = (0..500).map(|m| event(n * 500 + m)).collect();
        last = *put(&log.log, "long", last, events).await.last().unwrap();
    }
    let loaded = log.log.load("user", "long", 0).await.unwrap();
    let positions: Vec<_> = loaded.iter().map(|e| e.position).collect();
    assert_eq!(positions, (1..=2_500).collect::<Vec<_>>());
    assert_eq!(loaded[2_499].body, event(2_499).body);
    // First exactly as many events as one response of the server can contain, then one more.
    assert_eq!(
        log.log
            .load("user", "long", 2_500 - 1_024)
            .await
            .unwrap()
            .len(),
        1_024
    );
    assert_eq!(
        log.log
            .load("user", "long", 2_500 - 1_025)
            .await
            .unwrap()
            .len(),
        1_025
    );
}

async fn aggregate_with_large_events_is_loaded_completely(on: On) {
    let log = Log::on(on).await;
    // The events have more than 64 MB, at which the server ends a response.
    let body = Bytes::from(vec![b' '; 6 << 20]);
    let mut last = 0;
    for _ in 0..12 {
        last = put(&log.log, "heavy", last, vec![event_with(body.clone())]).await[0];
    }
    let loaded = log.log.load("user", "heavy", 0).await.unwrap();
    assert_eq!(loaded.len(), 12);
    assert!(loaded.iter().all(|e| e.body.len() == body.len()));
}

async fn reader_continues_at_its_position_and_waits_for_new_events(on: On) {
    let log = Log::on(on).await;
    put(&log.log, "a", 0, (0..10).map(event).collect()).await;
    let mut reader = log.log.read_after(3);
    let mut seen = Vec::new();
    while seen.len() < 7 {
        let batch = reader.next_batch(2, SOON).await.unwrap();
        assert!((1..=2).contains(&batch.len()), "{}", batch.len());
        seen.extend(batch.iter().map(|e| e.position));
    }
    assert_eq!(seen, (4..=10).collect::<Vec<_>>());
    assert!(
        reader
            .next_batch(2, Duration::from_millis(50))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(reader.position(), 10);

    let waiting = tokio::spawn(async move { reader.next_batch(10, SOON).await });
    put(&log.log, "b", 0, vec![event(1)]).await;
    let came = waiting.await.unwrap().unwrap();
    assert_eq!(came.iter().map(|e| e.position).collect::<Vec<_>>(), [11]);
}

async fn reader_without_its_consumer_returns_no_event_twice(on: On) {
    let log = Log::on(on).await;
    put(&log.log, "a", 0, (0..10).map(event).collect()).await;
    for (after, given) in [(10, 0), (4, 2)] {
        let mut reader = log.log.read_after(after);
        assert_eq!(
            reader
                .next_batch(2, Duration::from_millis(300))
                .await
                .unwrap()
                .len(),
            given
        );
        // Simulates the failure of the consumer's node.
        for name in readers_consumers(&log).await {
            log.log
                .context()
                .delete_consumer_from_stream(name, log.log.names().events())
                .await
                .unwrap();
        }
        let id = format!("b{after}");
        let last = put(&log.log, &id, 0, vec![event(1)]).await[0];
        let mut seen = Vec::new();
        while reader.position() < last {
            // After an error, callers may retry.
            let batch = reader
                .next_batch(100, Duration::from_secs(1))
                .await
                .unwrap_or_default();
            seen.extend(batch.iter().map(|e| e.position));
        }
        assert_eq!(
            seen,
            (after + given as Position + 1..=last).collect::<Vec<_>>()
        );
    }
}

async fn reader_replaces_a_consumer_that_delivers_nothing(on: On) {
    let log = Log::on(on).await;
    put(&log.log, "a", 0, vec![event(1)]).await;
    let mut reader = log.log.read_after(0);
    assert_eq!(reader.next_batch(9, SOON).await.unwrap().len(), 1);
    // A paused consumer still sends heartbeats, so the client library does not notice the pause.
    for name in readers_consumers(&log).await {
        let pause = format!("$JS.API.CONSUMER.PAUSE.{}.{name}", log.log.names().events());
        let answer = log.log.client().request(pause, PAUSE.into()).await.unwrap();
        assert!(
            String::from_utf8_lossy(&answer.payload).contains("\"paused\":true"),
            "{answer:?}"
        );
    }
    put(&log.log, "a", 1, vec![event(2)]).await;
    let mut seen = Vec::new();
    until("the reader continues", async || {
        seen.extend(
            reader
                .next_batch(9, Duration::from_millis(100))
                .await
                .unwrap_or_default(),
        );
        !seen.is_empty()
    })
    .await;
    assert_eq!(seen.iter().map(|e| e.position).collect::<Vec<_>>(), [2]);
}

/// Returns the names of the consumers that were created by readers.
async fn readers_consumers(log: &Log) -> Vec<String> {
    let stream = log
        .log
        .context()
        .get_stream(log.log.names().events())
        .await
        .unwrap();
    let names: Vec<String> = stream.consumer_names().try_collect().await.unwrap();
    names
        .into_iter()
        .filter(|name| !WORKERS.contains(&name.as_str()))
        .collect()
}

async fn message_that_is_not_an_event_stops_the_reader_with_its_position(on: On) {
    let log = Log::on(on).await;
    put(&log.log, "a", 0, vec![event(1)]).await;
    let foreign = log.log.names().aggregate("user", "b");
    log.log
        .context()
        .publish(foreign, "not ours".into())
        .await
        .unwrap()
        .await
        .unwrap();
    put(&log.log, "a", 1, vec![event(2)]).await;

    let mut reader = log.log.read_after(0);
    let mut error = None;
    while error.is_none() {
        error = reader.next_batch(1, SOON).await.err();
    }
    assert!(
        matches!(error, Some(LogError::Undecodable { position: 2, .. })),
        "{error:?}"
    );
    assert_eq!(reader.position(), 1, "it is not skipped");
    assert!(matches!(
        reader.next_batch(9, SOON).await,
        Err(LogError::Undecodable { position: 2, .. })
    ));
    let loaded = log.log.load("user", "b", 0).await;
    assert!(
        matches!(loaded, Err(LogError::Undecodable { position: 2, .. })),
        "{loaded:?}"
    );
}

async fn namespaces_are_independent(on: On) {
    let ours = Log::on(on).await;
    let theirs = Log::on(on).await;
    put(&ours.log, "a", 0, vec![event(1)]).await;
    put(&theirs.log, "a", 0, vec![event(2), event(3)]).await;
    assert_eq!(ours.all().await.len(), 1);
    assert_eq!(theirs.all().await.len(), 2);
    assert_eq!(ours.log.load("user", "a", 0).await.unwrap().len(), 1);
    assert_eq!(
        theirs
            .log
            .last_position("user", "a", &Consistency::Leader(None))
            .await
            .unwrap(),
        2
    );
}
