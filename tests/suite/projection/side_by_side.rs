//! Two versions of the program at the same time. One builds its tables while clients read the
//! tables of the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use laureate::projection::{CleanUp, Presence, Projection, projections};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::given_log::{Delivery, GivenLog};
use super::real::{Real, Shown, shown};
use super::story::*;
use super::world::{PATIENCE, World};
use crate::support::until;

/// Returns projections whose handlers for the tables about people were changed.
fn changed() -> Vec<Projection> {
    let mut all = projections().expect("good projections");
    for projection in all
        .iter_mut()
        .filter(|p| ["attendees", "overview"].contains(&p.name.as_str()))
    {
        for handler in &mut projection.handlers {
            handler.sql.push_str("\n-- another version\n");
        }
    }
    all
}

/// Appends one person every 2 ms until `stop` is set.
async fn write(real: &Real, written: &AtomicU64, stop: &AtomicBool) {
    let mut pace = tokio::time::interval(Duration::from_millis(2));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut id = 0x100_0000;
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let position = real.append(&[imported(id, "Ada", None)]).await;
        written.fetch_max(position, Ordering::Relaxed);
        id += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_built_under_load_shows_no_empty_or_older_table() {
    let real = Arc::new(Real::new().await);
    let people: Vec<_> = (0..12_000)
        .map(|id| imported(0x1000 + id, "Ada", None))
        .collect();
    real.append(&people).await;
    let old = real.present();
    let new = real.version(changed());
    let shutdown = CancellationToken::new();
    let old_at_work = old.start(&shutdown);
    until("the old version is ready", || old.is_ready()).await;

    let stop = Arc::new(AtomicBool::new(false));
    let written = Arc::new(AtomicU64::new(0));
    let writing = {
        let real = real.clone();
        let stop = stop.clone();
        let written = written.clone();
        tokio::spawn(async move { write(&real, &written, &stop).await })
    };
    let old_reader = old.reader().await;
    let new_reader = new.reader().await;
    assert!(shown(&new_reader).await.is_none(), "nothing is built yet");
    let new_at_work = new.start(&shutdown);

    // The state of the old version before the last failed read of the new version, and the latest
    // state of the old version.
    let mut before = Shown::default();
    let mut last_of_old = Shown::default();
    let first_of_new = loop {
        let of_old = shown(&old_reader).await.expect("readable at any time");
        assert!(
            of_old.is_no_less_than(last_of_old),
            "{of_old:?} after {last_of_old:?}"
        );
        last_of_old = of_old;
        if let Some(of_new) = shown(&new_reader).await {
            break of_new;
        }
        assert!(
            !new.is_ready().await || shown(&new_reader).await.is_some(),
            "ready before it can be read"
        );
        before = of_old;
    };
    assert!(
        before.counted >= 12_000,
        "the old version is read all the time: {before:?}"
    );
    assert!(
        first_of_new.counted >= 12_000,
        "neither empty nor half built: {first_of_new:?}"
    );
    until("the new version is ready", || new.is_ready()).await;
    // A client that has received the position of an event can request a state that includes it.
    new.readers
        .wait_for(before.newest.unsigned_abs(), PATIENCE)
        .await
        .expect("the new version keeps up");
    let mut last_of_new = shown(&new_reader).await.expect("readable from now on");
    assert!(
        last_of_new.is_no_less_than(before),
        "{last_of_new:?} after {before:?}"
    );
    assert!(
        last_of_new.is_no_less_than(first_of_new),
        "{last_of_new:?} after {first_of_new:?}"
    );

    // Both versions continue, and neither shows an older state.
    let goal = last_of_new.newest + 500;
    while last_of_new.newest < goal || last_of_old.newest < goal {
        for (client, last) in [
            (&old_reader, &mut last_of_old),
            (&new_reader, &mut last_of_new),
        ] {
            let now = shown(client).await.expect("readable from now on");
            assert!(now.is_no_less_than(*last), "{now:?} after {last:?}");
            *last = now;
        }
    }
    stop.store(true, Ordering::Relaxed);
    writing.await.expect("the writer does not fail");
    let end = written.load(Ordering::Relaxed);
    for version in [&old, &new] {
        version
            .readers
            .wait_for(end, PATIENCE)
            .await
            .expect("both keep up");
    }
    shutdown.cancel();
    old_at_work.await.expect("no panic");
    new_at_work.await.expect("no panic");
    for version in [&old, &new] {
        let report = version
            .maintenance()
            .verify(&[], |_| {})
            .await
            .expect("verified");
        assert!(report.equal(), "{report:?}");
    }
}

#[tokio::test]
async fn new_version_goes_live_when_it_is_as_current_as_the_old_one() {
    let old = World::new().await;
    old.log
        .append((0..50).map(|id| imported(0x1000 + id, "Ada", None)));
    old.project().await;

    // The log of the new version is a lagging replica. Its last position is lower than the position
    // that the old version shows.
    let mut of_people = changed();
    of_people.retain(|projection| ["attendees", "overview"].contains(&projection.name.as_str()));
    let mut new = old.program(of_people);
    new.log = GivenLog::new(Delivery::default());
    new.log
        .append((0..20).map(|id| imported(0x1000 + id, "Ada", None)));
    let at_work = new.start();
    let end = new.log.last_position();
    until("it has applied its whole log", || async {
        new.health("attendees").await.position == end
    })
    .await;
    let first = new.health("attendees").await;
    assert_eq!((first.state, first.ready), ("building", false));
    assert!(shown(&new.reader().await).await.is_none());

    new.log
        .append((20..50).map(|id| imported(0x1000 + id, "Ada", None)));
    until("it goes live", || async {
        new.health("attendees").await.ready
    })
    .await;
    new.until_ready().await;
    assert_eq!(
        shown(&new.reader().await).await.map(|shown| shown.counted),
        Some(50)
    );
    at_work.stop().await;
}

#[tokio::test]
async fn process_with_outdated_tables_is_ready_when_they_are_up_to_date() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    world.log.append([imported(0xA7, "Tony", None)]);
    // The same program in another process. No projector is running there yet.
    let again = world.program(projections().expect("good projections"));
    let health = again.health("attendees").await;
    assert_eq!((health.state, health.ready, health.lag), ("live", false, 3));
    let at_work = world.start();
    again.until_ready().await;
    at_work.stop().await;
}

#[tokio::test]
async fn clean_up_keeps_schemas_of_running_programs() {
    let old = World::new().await;
    old.log.append(everything());
    let new = old.program(changed());
    let old_at_work = old.start();
    let new_at_work = new.start();
    old.until_ready().await;
    new.until_ready().await;
    let of_old = ["attendees", "overview"]
        .map(|name| old.schema(name).to_owned())
        .to_vec();
    let left = CleanUp {
        dropped: Vec::new(),
        in_use: of_old.clone(),
    };

    assert_eq!(
        new.maintenance()
            .drop_unused(&[])
            .await
            .expect("cleaned up"),
        left
    );
    let reading = Presence::announce(old.pool.clone(), old.set.clone())
        .await
        .expect("announced");
    let position = old.log.append([imported(0xA7, "Tony", None)]);
    for version in [&old, &new] {
        version
            .readers
            .wait_for(position, PATIENCE)
            .await
            .expect("both continue");
    }
    old_at_work.stop().await;

    // The projector has stopped, and another process is still reading.
    assert_eq!(
        new.maintenance()
            .drop_unused(&[])
            .await
            .expect("cleaned up"),
        left
    );
    drop(reading);
    until("no process reads it", || async {
        let found = new
            .maintenance()
            .drop_unused(&[])
            .await
            .expect("cleaned up");
        found
            == CleanUp {
                dropped: of_old.clone(),
                in_use: Vec::new(),
            }
    })
    .await;
    new_at_work.stop().await;
    assert_eq!(
        new.rows("attendees").await["attendees"]
            .as_array()
            .map(Vec::len),
        Some(4)
    );
    assert!(
        new.maintenance()
            .verify(&[], |_| {})
            .await
            .expect("verified")
            .equal()
    );
}
