//! The event log on a real server: what is appended stands, in order, once, and nothing else does.

mod failover;
pub mod fixture;
mod group_commit;
mod lagging;
mod nodes;
mod provisioning;
mod races;
mod restart;
mod serial;

use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use laureate::event_log::batch::MAX_BATCH;
use laureate::event_log::plan::Action;
use laureate::event_log::{Append, AppendError, Commit, LogError, Position, Step};

use crate::support::until;
use fixture::{Log, On, append, event, event_with, on_both, put};

on_both!(
    provisioning_again_finds_everything_there,
    a_log_that_was_not_provisioned_says_so,
    a_commit_of_several_aggregates_stands_contiguous_and_in_order,
    an_outdated_expectation_conflicts_alone_and_in_a_batch,
    a_commit_of_which_one_aggregate_conflicts_leaves_nothing_of_itself,
    a_commit_is_neither_empty_nor_larger_than_the_server_takes,
    an_event_too_large_for_the_server_is_refused_and_not_tried_for_ever,
    an_aggregate_of_many_events_loads_completely,
    an_aggregate_of_large_events_loads_completely,
    a_reader_goes_on_where_it_was_and_waits_for_what_comes,
    a_reader_whose_consumer_is_lost_gives_nothing_twice,
    a_reader_whose_consumer_falls_silent_begins_anew,
    a_message_that_is_no_event_stops_the_reader_and_names_itself,
    namespaces_never_meet,
);

const PAUSE: &str = r#"{"pause_until":"2999-01-01T00:00:00Z"}"#;
/// The durable consumers of the log.
const WORKERS: [&str; 5] = ["importer", "processes", "renderer", "mailer", "notifier"];
/// Long enough for what is there already to arrive on a busy machine.
const SOON: Duration = Duration::from_secs(30);

async fn provisioning_again_finds_everything_there(on: On) {
    let namespace = on.namespace();
    let log = on.open(&namespace).await;
    let first = log.provision(on.replicas()).await.unwrap();
    assert!(first.iter().all(|step| step.action == Action::Create), "{first:?}");
    let second = log.provision(on.replicas()).await.unwrap();
    assert!(second.iter().all(|step| step.action == Action::Nothing), "{second:?}");
    let names = |steps: &[Step]| steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&first), names(&second));
    assert_eq!(first.len(), 13, "five streams and eight consumers: {first:?}");
}

async fn a_log_that_was_not_provisioned_says_so(on: On) {
    let namespace = on.namespace();
    let log = on.open(&namespace).await;
    assert!(matches!(log.info().await, Err(LogError::NotProvisioned)));
    assert!(matches!(log.load("user", "a", 0).await, Err(LogError::NotProvisioned)));
    let refused = log.append(Commit::new(log.names(), vec![append("a", 0, vec![event(1)])])).await;
    let Err(AppendError::Refused(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("laureate provision"), "{why}");
}

async fn a_commit_of_several_aggregates_stands_contiguous_and_in_order(on: On) {
    let log = Log::on(on).await;
    let events: Vec<_> = (0..6).map(event).collect();
    let commit = Commit::new(
        log.log.names(),
        vec![
            append("a", 0, events[..3].to_vec()),
            append("b", 0, events[3..4].to_vec()),
            Append { aggregate: "claim", ..append("c", 0, events[4..].to_vec()) },
        ],
    );
    let positions = log.log.append(commit).await.unwrap();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6]);

    let all = log.all().await;
    for (index, (recorded, new)) in all.iter().zip(&events).enumerate() {
        assert_eq!(recorded.position, positions[index]);
        assert_eq!((recorded.event_id, recorded.command_id), (new.event_id, new.command_id));
        assert_eq!((recorded.correlation_id, &recorded.actor), (new.correlation_id, &new.actor));
        assert_eq!((&recorded.body, recorded.time), (&new.body, new.time));
    }
    let places: Vec<_> = all.iter().map(|e| format!("{}/{}", e.aggregate, e.id)).collect();
    assert_eq!(places, ["user/a", "user/a", "user/a", "user/b", "claim/c", "claim/c"]);

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
    assert_eq!(loaded("user", "c", 0).await, [0; 0], "another aggregate's kind");
    assert_eq!(loaded("user", "nobody", 0).await, [0; 0]);
    assert_eq!(log.log.leader_position("user", "a").await.unwrap(), 3);
    assert_eq!(log.log.leader_position("user", "nobody").await.unwrap(), 0);
}

async fn an_outdated_expectation_conflicts_alone_and_in_a_batch(on: On) {
    let log = Log::on(on).await;
    let positions = put(&log.log, "a", 0, vec![event(1)]).await;
    for (expected, events) in [(0, vec![event(2)]), (0, vec![event(2), event(3)]), (7, vec![event(2)])] {
        let commit = Commit::new(log.log.names(), vec![append("a", expected, events)]);
        let refused = log.log.append(commit).await;
        assert!(matches!(refused, Err(AppendError::Conflict)), "{expected}: {refused:?}");
    }
    assert_eq!(log.all().await.len(), 1);
    put(&log.log, "a", positions[0], vec![event(2)]).await;
}

async fn a_commit_of_which_one_aggregate_conflicts_leaves_nothing_of_itself(on: On) {
    let log = Log::on(on).await;
    put(&log.log, "b", 0, vec![event(1)]).await;
    // The one that conflicts stands first, in the middle and last.
    for order in [["b", "a", "c"], ["a", "b", "c"], ["a", "c", "b"]] {
        let appends: Vec<_> = order.iter().map(|id| append(id, 0, vec![event(2), event(3)])).collect();
        let refused = log.log.append(Commit::new(log.log.names(), appends.clone())).await;
        assert!(matches!(refused, Err(AppendError::Conflict)), "{order:?}: {refused:?}");
    }
    assert_eq!(log.all().await.len(), 1);
}

async fn a_commit_is_neither_empty_nor_larger_than_the_server_takes(on: On) {
    let log = Log::on(on).await;
    let many = vec![event(1); MAX_BATCH + 1];
    for events in [Vec::new(), many] {
        let refused = log.log.append(Commit::new(log.log.names(), vec![append("a", 0, events)])).await;
        assert!(matches!(refused, Err(AppendError::Refused(_))), "{refused:?}");
    }
    put(&log.log, "a", 0, vec![event(1); MAX_BATCH]).await;
    assert_eq!(log.log.load("user", "a", 0).await.unwrap().len(), MAX_BATCH);
}

async fn an_event_too_large_for_the_server_is_refused_and_not_tried_for_ever(on: On) {
    let log = Log::on(on).await;
    let most = log.log.client().server_info().max_payload;
    let large = event_with(Bytes::from(vec![b' '; most]));
    for events in [vec![large.clone()], vec![event(1), large.clone()], vec![large, event(1)]] {
        let refused = log.log.append(Commit::new(log.log.names(), vec![append("a", 0, events)])).await;
        assert!(matches!(refused, Err(AppendError::Refused(_))), "{refused:?}");
    }
    put(&log.log, "a", 0, vec![event(1)]).await;
    assert_eq!(log.all().await.len(), 1);
}

async fn an_aggregate_of_many_events_loads_completely(on: On) {
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
    // Exactly one full answer, and one more than that.
    assert_eq!(log.log.load("user", "long", 2_500 - 1_024).await.unwrap().len(), 1_024);
    assert_eq!(log.log.load("user", "long", 2_500 - 1_025).await.unwrap().len(), 1_025);
}

async fn an_aggregate_of_large_events_loads_completely(on: On) {
    let log = Log::on(on).await;
    // More than the 64 MB after which the server ends an answer by itself.
    let body = Bytes::from(vec![b' '; 6 << 20]);
    let mut last = 0;
    for _ in 0..12 {
        last = put(&log.log, "heavy", last, vec![event_with(body.clone())]).await[0];
    }
    let loaded = log.log.load("user", "heavy", 0).await.unwrap();
    assert_eq!(loaded.len(), 12);
    assert!(loaded.iter().all(|e| e.body.len() == body.len()));
}

async fn a_reader_goes_on_where_it_was_and_waits_for_what_comes(on: On) {
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
    assert!(reader.next_batch(2, Duration::from_millis(50)).await.unwrap().is_empty());
    assert_eq!(reader.position(), 10);

    let waiting = tokio::spawn(async move { reader.next_batch(10, SOON).await });
    put(&log.log, "b", 0, vec![event(1)]).await;
    let came = waiting.await.unwrap().unwrap();
    assert_eq!(came.iter().map(|e| e.position).collect::<Vec<_>>(), [11]);
}

async fn a_reader_whose_consumer_is_lost_gives_nothing_twice(on: On) {
    let log = Log::on(on).await;
    put(&log.log, "a", 0, (0..10).map(event).collect()).await;
    for (after, given) in [(10, 0), (4, 2)] {
        let mut reader = log.log.read_after(after);
        assert_eq!(reader.next_batch(2, Duration::from_millis(300)).await.unwrap().len(), given);
        // As when the node goes down that it lives on.
        for name in readers_consumers(&log).await {
            log.log.context().delete_consumer_from_stream(name, log.log.names().events()).await.unwrap();
        }
        let id = format!("b{after}");
        let last = put(&log.log, &id, 0, vec![event(1)]).await[0];
        let mut seen = Vec::new();
        while reader.position() < last {
            // An error is what a caller may try again after.
            let batch = reader.next_batch(100, Duration::from_secs(1)).await.unwrap_or_default();
            seen.extend(batch.iter().map(|e| e.position));
        }
        assert_eq!(seen, (after + given as Position + 1..=last).collect::<Vec<_>>());
    }
}

async fn a_reader_whose_consumer_falls_silent_begins_anew(on: On) {
    let log = Log::on(on).await;
    put(&log.log, "a", 0, vec![event(1)]).await;
    let mut reader = log.log.read_after(0);
    assert_eq!(reader.next_batch(9, SOON).await.unwrap().len(), 1);
    // Such a consumer sends signs of life and nothing else, so nobody else notices.
    for name in readers_consumers(&log).await {
        let pause = format!("$JS.API.CONSUMER.PAUSE.{}.{name}", log.log.names().events());
        let answer = log.log.client().request(pause, PAUSE.into()).await.unwrap();
        assert!(String::from_utf8_lossy(&answer.payload).contains("\"paused\":true"), "{answer:?}");
    }
    put(&log.log, "a", 1, vec![event(2)]).await;
    let mut seen = Vec::new();
    until("the reader goes on", async || {
        seen.extend(reader.next_batch(9, Duration::from_millis(100)).await.unwrap_or_default());
        !seen.is_empty()
    })
    .await;
    assert_eq!(seen.iter().map(|e| e.position).collect::<Vec<_>>(), [2]);
}

/// The consumers that readers have made.
async fn readers_consumers(log: &Log) -> Vec<String> {
    let stream = log.log.context().get_stream(log.log.names().events()).await.unwrap();
    let names: Vec<String> = stream.consumer_names().try_collect().await.unwrap();
    names.into_iter().filter(|name| !WORKERS.contains(&name.as_str())).collect()
}

async fn a_message_that_is_no_event_stops_the_reader_and_names_itself(on: On) {
    let log = Log::on(on).await;
    put(&log.log, "a", 0, vec![event(1)]).await;
    let foreign = log.log.names().aggregate("user", "b");
    log.log.context().publish(foreign, "not ours".into()).await.unwrap().await.unwrap();
    put(&log.log, "a", 1, vec![event(2)]).await;

    let mut reader = log.log.read_after(0);
    let mut error = None;
    while error.is_none() {
        error = reader.next_batch(1, SOON).await.err();
    }
    assert!(matches!(error, Some(LogError::Undecodable { position: 2, .. })), "{error:?}");
    assert_eq!(reader.position(), 1, "it is not passed over");
    assert!(matches!(reader.next_batch(9, SOON).await, Err(LogError::Undecodable { position: 2, .. })));
    let loaded = log.log.load("user", "b", 0).await;
    assert!(matches!(loaded, Err(LogError::Undecodable { position: 2, .. })), "{loaded:?}");
}

async fn namespaces_never_meet(on: On) {
    let (ours, theirs) = (Log::on(on).await, Log::on(on).await);
    put(&ours.log, "a", 0, vec![event(1)]).await;
    put(&theirs.log, "a", 0, vec![event(2), event(3)]).await;
    assert_eq!(ours.all().await.len(), 1);
    assert_eq!(theirs.all().await.len(), 2);
    assert_eq!(ours.log.load("user", "a", 0).await.unwrap().len(), 1);
    assert_eq!(theirs.log.leader_position("user", "a").await.unwrap(), 2);
}
