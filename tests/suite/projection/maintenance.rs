//! Rebuild, verification and clean-up while a projector is running.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use laureate::projection::{CleanUp, Maintenance, MaintenanceError, Until, projections};
use serde_json::json;

use super::story::*;
use super::world::{PATIENCE, World, newest_attendees};

#[tokio::test]
async fn projected_tables_verify_as_equal_and_rebuild_to_the_same_rows() {
    let world = World::new().await;
    let last = world.log.append(everything());
    world.project().await;
    let rows = world.all_rows().await;

    let report = world
        .maintenance()
        .verify(&[], |_| {})
        .await
        .expect("verified");
    assert!(report.equal(), "{report:?}");
    assert_eq!(report.projections.len(), world.set.members().len());
    assert!(
        report
            .projections
            .iter()
            .all(|verified| verified.position == last)
    );
    let attendees = report
        .projections
        .iter()
        .find(|verified| verified.name == "attendees")
        .expect("verified");
    assert_eq!(attendees.rows, 3);

    let mut seen = Vec::new();
    world
        .maintenance()
        .rebuild(&[], |progress| seen.push(progress))
        .await
        .expect("rebuilt");
    let end = seen.last().expect("progress is reported");
    assert_eq!(
        (end.position, end.target, end.events),
        (last, last, everything().len() as u64)
    );
    assert_eq!(world.all_rows().await, rows);

    // The projector continues with the new tables.
    world.log.append([imported(0xA7, "Tony", None)]);
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
async fn verify_reports_modified_rows_and_rebuild_repairs_them() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let rows = world.all_rows().await;
    let attendees = world.schema("attendees");
    let imports = world.schema("imports");
    let jobs = world.schema("jobs");
    let batches = world.schema("batches");
    let ada = "00000000-0000-0000-0000-0000000000a1";
    world
        .execute(&format!(
            "UPDATE \"{attendees}\".attendees SET full_name = 'Eve' WHERE id = '{ada}'"
        ))
        .await;
    world
        .execute(&format!(
            "DELETE FROM \"{imports}\".import_rejections WHERE row_number = 5"
        ))
        .await;
    world.execute(&format!("DELETE FROM \"{jobs}\".jobs")).await;
    let copy =
        "gen_random_uuid(), certificate_id, state, total, created_at, updated_at, -1, position";
    let columns =
        "id, certificate_id, state, total, created_at, updated_at, created_position, position";
    world
        .execute(&format!(
            "INSERT INTO \"{batches}\".batches ({columns}) SELECT {copy} FROM \"{batches}\".batches LIMIT 1"
        ))
        .await;

    let report = world
        .maintenance()
        .verify(&[], |_| {})
        .await
        .expect("verified");
    let unequal = report.projections.iter().filter(|verified| !verified.equal);
    let found: Vec<_> = unequal
        .flat_map(|verified| &verified.differences)
        .map(|difference| {
            (
                difference.table.as_str(),
                difference.kind,
                difference.key.as_str(),
            )
        })
        .collect();
    let import = "00000000-0000-0000-0000-0000000000f1";
    let expected = [
        ("attendees", "changed", format!("[\"{ada}\"]")),
        ("import_rejections", "missing", format!("[\"{import}\", 5]")),
        (
            "jobs",
            "missing",
            "[\"00000000-0000-0000-0000-000000000021\"]".to_owned(),
        ),
    ];
    assert_eq!(found[0].0, "attendees");
    let attendee = report
        .projections
        .iter()
        .find(|verified| verified.name == "attendees")
        .expect("is there");
    let changed = &attendee.differences[0];
    assert_eq!(changed.columns, ["full_name", "name_key"]);
    assert_eq!(
        (changed.live_position, changed.log_position),
        (Some(37), Some(37))
    );
    let named: Vec<_> = found
        .iter()
        .filter(|(table, ..)| *table != "batches")
        .copied()
        .collect();
    assert_eq!(
        named,
        expected
            .iter()
            .map(|(t, k, key)| (*t, *k, key.as_str()))
            .collect::<Vec<_>>()
    );
    assert!(
        found
            .iter()
            .any(|(table, kind, _)| (*table, *kind) == ("batches", "unexpected")),
        "{found:?}"
    );

    world
        .maintenance()
        .rebuild(&["attendees", "batches", "imports", "jobs"], |_| {})
        .await
        .expect("rebuilt");
    assert_eq!(world.all_rows().await, rows);
}

#[tokio::test]
async fn readers_see_no_empty_table_during_a_rebuild() {
    let world = Arc::new(World::new().await);
    world
        .log
        .append((0..300).map(|id| imported(0x1000 + id, "Ada", None)));
    world.project().await;
    let at_work = world.start();

    let done = Arc::new(AtomicBool::new(false));
    let reading = {
        let world = world.clone();
        let done = done.clone();
        tokio::spawn(async move {
            let client = world.reader().await;
            let mut reads = 0;
            let mut least = usize::MAX;
            while !done.load(Ordering::Relaxed) {
                let list = newest_attendees(&client, 1_000)
                    .await
                    .expect("readable at any time");
                least = least.min(list.len());
                reads += 1;
            }
            (reads, least)
        })
    };
    let maintenance = world.maintenance();
    for round in 0..5 {
        world.log.append([imported(0x2000 + round, "Alan", None)]);
        maintenance
            .rebuild(&["attendees"], |_| {})
            .await
            .expect("rebuilt beside the projector");
        world
            .readers
            .wait_for(world.log.last_position(), PATIENCE)
            .await
            .expect("the projector continues");
    }
    done.store(true, Ordering::Relaxed);
    let (reads, least) = reading.await.expect("the reader does not fail");
    assert!(
        reads > 0 && least >= 300,
        "{reads} reads, one of {least} rows"
    );
    at_work.stop().await;
    assert_eq!(
        world.rows("attendees").await["attendees"]
            .as_array()
            .map(Vec::len),
        Some(305)
    );
    assert!(
        maintenance
            .verify(&[], |_| {})
            .await
            .expect("verified")
            .equal()
    );
}

#[tokio::test]
async fn verify_and_rebuild_are_correct_while_events_arrive() {
    let world = Arc::new(World::new().await);
    world.log.append(everything());
    world.project().await;
    let at_work = world.start();
    let done = Arc::new(AtomicBool::new(false));
    let writing = {
        let world = world.clone();
        let done = done.clone();
        tokio::spawn(async move {
            let mut id = 0x3000;
            while !done.load(Ordering::Relaxed) {
                let position = world
                    .log
                    .append([imported(id, "Ada", None), updated(id - 1, "Grace")]);
                world
                    .readers
                    .wait_for(position, PATIENCE)
                    .await
                    .expect("the projector continues");
                id += 1;
            }
        })
    };
    let maintenance = world.maintenance();
    for _ in 0..3 {
        let report = maintenance.verify(&[], |_| {}).await.expect("verified");
        assert!(report.equal(), "{report:?}");
        maintenance.rebuild(&[], |_| {}).await.expect("rebuilt");
    }
    done.store(true, Ordering::Relaxed);
    writing.await.expect("the writer does not fail");
    at_work.stop().await;
    assert!(
        maintenance
            .verify(&[], |_| {})
            .await
            .expect("verified")
            .equal()
    );
}

#[tokio::test]
async fn state_as_of_an_earlier_time_is_built_in_another_schema() {
    let world = World::new().await;
    world.log.append([
        imported(0xA1, "Ada", None),
        imported(0xA2, "Alan", None),
        updated(0xA1, "Grace"),
    ]);
    world.project().await;
    let times = world.log.times();
    let then = format!("{}_then", world.namespace.name());
    let position = world
        .maintenance()
        .rebuild_into(&then, Until::Time(times[1]), |_| {})
        .await
        .expect("built");
    assert_eq!(position, 10);
    let rows = world.rows_of_schema(&then).await;
    let names: Vec<_> = rows["attendees"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["full_name"])
        .collect();
    assert_eq!(names, ["Ada", "Alan"]);
    assert_eq!(
        rows["overview_counts"],
        json!([{"name": "attendees", "count": 2, "position": 10}])
    );

    let again = world
        .maintenance()
        .rebuild_into(&then, Until::Now, |_| {})
        .await;
    assert!(matches!(again, Err(MaintenanceError::BadSchema(_))));
    let bad = world
        .maintenance()
        .rebuild_into("a\"; DROP TABLE x; --", Until::Now, |_| {})
        .await;
    assert!(matches!(bad, Err(MaintenanceError::BadSchema(_))));
    let first = format!("{}_first", world.namespace.name());
    let position = world
        .maintenance()
        .rebuild_into(&first, Until::Position(8), |_| {})
        .await
        .expect("built");
    assert_eq!(
        (
            position,
            world.rows_of_schema(&first).await["overview_counts"][0]["count"].clone()
        ),
        (7, json!(1))
    );
}

#[tokio::test]
async fn clean_up_drops_only_unused_schemas() {
    let old = World::new().await;
    old.log.append(everything());
    old.project().await;
    let mut changed = projections().expect("good projections");
    changed
        .iter_mut()
        .find(|p| p.name == "users")
        .expect("is there")
        .indexes_sql
        .clear();
    let new = old.program(changed);
    new.project().await;
    let old_users = old
        .set
        .members()
        .iter()
        .find(|m| m.projection.name == "users")
        .expect("is there");

    let kept = new
        .maintenance()
        .drop_unused(std::slice::from_ref(&old_users.fingerprint))
        .await
        .expect("cleaned up");
    assert_eq!(kept, CleanUp::default());
    let dropped = new
        .maintenance()
        .drop_unused(&[])
        .await
        .expect("cleaned up");
    assert_eq!(dropped.dropped, std::slice::from_ref(&old_users.schema));
    assert_eq!(old.rows("users").await, json!({}));
    assert_eq!(
        new.rows("users").await["users"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(
        new.rows("attendees").await["attendees"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maintenance_does_not_overlap_and_requires_built_projections() {
    let world = World::new().await;
    world.log.append(everything());
    let unbuilt = world.maintenance().verify(&["jobs"], |_| {}).await;
    assert!(matches!(unbuilt, Err(MaintenanceError::NotBuilt(name)) if name == "jobs"));
    let unknown = world.maintenance().rebuild(&["jobz"], |_| {}).await;
    assert!(matches!(unknown, Err(MaintenanceError::Set(_))));
    world.project().await;

    let maintenance: Arc<Maintenance> = Arc::new(world.maintenance());
    let inner = tokio::sync::Mutex::new(None);
    let handle = tokio::runtime::Handle::current();
    maintenance
        .rebuild(&["jobs"], |_| {
            let second = maintenance.clone();
            let handle = handle.clone();
            let found = std::thread::spawn(move || {
                handle.block_on(async move { second.verify(&[], |_| {}).await })
            });
            *inner.try_lock().expect("free") = Some(found.join().expect("no panic"));
        })
        .await
        .expect("rebuilt");
    assert!(matches!(
        inner.into_inner(),
        Some(Err(MaintenanceError::Busy))
    ));
}
