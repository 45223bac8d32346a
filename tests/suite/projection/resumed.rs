//! Tests of rebuilds that are interrupted and resumed.

use std::sync::Arc;

use laureate::database;
use laureate::projection::{Maintenance, MaintenanceError, Progress, Until};
use serde_json::json;
use tokio::sync::Notify;

use super::given_log::Delivery;
use super::story::*;
use super::world::World;
use crate::support::{servers, until};

/// Creates a world whose log delivers batches of seven events.
async fn world() -> World {
    let world = World::delivering(Delivery {
        sizes: vec![7],
        again: 2,
    })
    .await;
    world.log.append((0..60).flat_map(|id| {
        [
            imported(0x1000 + id, "Ada", None),
            updated(0x1000 + id, "Bob"),
        ]
    }));
    world.project().await;
    world
}

/// Starts `work` and drops it when it has reached `position`. Returns the position that `work`
/// reached.
async fn broken_off<F>(
    position: u64,
    work: impl FnOnce(Box<dyn FnMut(Progress) + Send>) -> F,
) -> u64
where
    F: Future<Output = ()>,
{
    let reached = Arc::new((Notify::new(), std::sync::atomic::AtomicU64::new(0)));
    let text = reached.clone();
    let progress = move |now: Progress| {
        if now.position >= position {
            text.1
                .fetch_max(now.position, std::sync::atomic::Ordering::Relaxed);
            text.0.notify_one();
        }
    };
    tokio::select! {
        biased;
        () = reached.0.notified() => {}
        () = work(Box::new(progress)) => panic!("it ended before it was interrupted"),
    }
    reached.1.load(std::sync::atomic::Ordering::Relaxed)
}

/// Rebuilds as soon as the previous rebuild has released its lock. Returns the position at which
/// the rebuild started.
async fn rebuilt_from(maintenance: &Maintenance) -> u64 {
    let from = std::sync::Mutex::new(None);
    until("it is rebuilt", || async {
        let note = |now: Progress| *from.lock().expect("not poisoned") = Some(now.from);
        match maintenance.rebuild(&["attendees"], note).await {
            Ok(()) => true,
            Err(MaintenanceError::Busy) => false,
            Err(error) => panic!("{error}"),
        }
    })
    .await;
    from.into_inner()
        .expect("not poisoned")
        .expect("progress is reported")
}

#[tokio::test]
async fn rebuild_resumes_an_interrupted_rebuild() {
    let world = world().await;
    let rows = world.rows("attendees").await;
    let maintenance = world.maintenance();
    let break_off = || async {
        let rebuild = |progress| async {
            maintenance
                .rebuild(&["attendees"], progress)
                .await
                .expect("rebuilt");
        };
        broken_off(100, rebuild).await
    };
    let stopped = break_off().await;
    assert_eq!(rebuilt_from(&maintenance).await, stopped);
    assert_eq!(world.rows("attendees").await, rows);
    assert!(
        maintenance
            .verify(&[], |_| {})
            .await
            .expect("verified")
            .equal()
    );

    // After a rebuild that was completed or whose copy was discarded, the next one starts at
    // position 0.
    assert_eq!(rebuilt_from(&maintenance).await, 0);
    break_off().await;
    until("the lock is free", || async {
        maintenance.discard_copies(&["attendees"]).await.is_ok()
    })
    .await;
    assert_eq!(rebuilt_from(&maintenance).await, 0);
    // The same applies to a copy that lost its unlogged tables.
    break_off().await;
    let copy = format!("{}_new", world.schema("attendees"));
    world
        .execute(&format!(
            "TRUNCATE \"{copy}\".attendees, \"{copy}\".copy_progress"
        ))
        .await;
    assert_eq!(rebuilt_from(&maintenance).await, 0);
    assert_eq!(world.rows("attendees").await, rows);
    let left = world.schema("attendees").to_owned() + "_new";
    assert_eq!(world.rows_of_schema(&left).await, json!({}));
}

#[tokio::test]
async fn copy_as_of_an_earlier_position_is_resumed_only_for_that_position() {
    let world = world().await;
    let maintenance = world.maintenance();
    let schema = format!("{}_then", world.namespace.name());
    let until_then = Until::Position(300);
    let fill = |progress| async {
        maintenance
            .rebuild_into(&schema, until_then, progress)
            .await
            .expect("filled");
    };
    let stopped = broken_off(100, fill).await;
    let from = std::sync::Mutex::new(Vec::new());
    let note = |now: Progress| from.lock().expect("not poisoned").push(now.from);
    until(
        "the copy as of another position is filled from the start",
        || async {
            maintenance
                .rebuild_into(&schema, Until::Position(200), note)
                .await
                .is_ok()
        },
    )
    .await;
    assert!(
        from.lock()
            .expect("not poisoned")
            .iter()
            .all(|from| *from == 0)
    );
    assert_eq!(
        world.rows_of_schema(&schema).await["overview_counts"][0]["position"],
        json!(199)
    );

    world
        .execute(&format!("DROP SCHEMA \"{schema}\" CASCADE"))
        .await;
    assert_eq!(broken_off(100, fill).await, stopped);
    let mut from = 0;
    until("the lock is free", || async {
        maintenance.discard_into("no_such_copy").await.is_ok()
    })
    .await;
    maintenance
        .rebuild_into(&schema, until_then, |now| from = now.from)
        .await
        .expect("filled");
    assert_eq!(from, stopped);
    assert_eq!(
        world.rows_of_schema(&schema).await["copy_progress"],
        json!(null)
    );

    let beyond = maintenance
        .rebuild_into("later", Until::Position(1_000_000), |_| {})
        .await;
    let message = beyond.expect_err("refused").to_string();
    assert_eq!(
        message,
        "position 1000000 is beyond the log, which ends at position 364"
    );
}

#[tokio::test]
async fn rebuild_can_build_a_projection_for_the_first_time() {
    let world = World::new().await;
    world.log.append(everything());
    world
        .maintenance()
        .rebuild(&["jobs"], |_| {})
        .await
        .expect("built");
    let jobs = world.health("jobs").await;
    assert_eq!((jobs.state, jobs.ready, jobs.lag), ("live", true, 0));
    assert_eq!(world.health("users").await.state, "absent");
    // A projector continues from there.
    world.log.append([retry(0x22)]);
    world.project().await;
    assert!(
        world
            .maintenance()
            .verify(&[], |_| {})
            .await
            .expect("verified")
            .equal()
    );
}

#[tokio::test]
async fn minimum_number_of_connections_suffices() {
    let world = world().await;
    let at_work = world.start();
    let pool = database::connect(
        &servers().postgres_url,
        None,
        Maintenance::LEAST_CONNECTIONS,
    );
    let maintenance =
        Maintenance::new(pool.expect("a good URL"), world.source(), world.set.clone());
    assert!(
        maintenance
            .verify(&[], |_| {})
            .await
            .expect("verified")
            .equal()
    );
    world.log.append([imported(0xA1, "Ada", None)]);
    maintenance.rebuild(&[], |_| {}).await.expect("rebuilt");
    let schema = format!("{}_now", world.namespace.name());
    maintenance
        .rebuild_into(&schema, Until::Now, |_| {})
        .await
        .expect("filled");
    at_work.stop().await;
}
