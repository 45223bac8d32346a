//! Projector: fencing, events that can't be applied, logs that do not fit the tables, and other
//! programs on the same database.

use std::time::Duration;

use bytes::Bytes;
use laureate::projection::{Projection, projections};
use serde_json::json;
use uuid::Uuid;

use super::given_log::{Delivery, Happened};
use super::story::*;
use super::world::{PATIENCE, World};
use crate::support::until;

/// Returns an event that no handler can apply, because it has no name.
fn poison(id: u128) -> Happened {
    Happened {
        aggregate: "attendee",
        id: Uuid::from_u128(id),
        event_type: "AttendeeImported".to_owned(),
        body: Bytes::from_static(b"{}"),
    }
}

#[tokio::test]
async fn wait_ends_when_the_event_is_visible_or_times_out() {
    let world = World::new().await;
    let at_work = world.start();
    let position = world.log.append([imported(0xA1, "Ada", None)]);
    world
        .readers
        .wait_for(position, PATIENCE)
        .await
        .expect("visible");
    let late = world
        .readers
        .wait_for(position + 1, Duration::from_millis(50))
        .await
        .expect_err("not written");
    assert_eq!(late.behind.len(), world.set.members().len());
    at_work.stop().await;
}

#[tokio::test]
async fn process_without_a_projector_sees_new_events() {
    let world = World::new().await;
    let other_process = world.program(projections().expect("good projections"));
    let at_work = world.start();
    let position = world.log.append(everything());
    other_process
        .readers
        .wait_for(position, PATIENCE)
        .await
        .expect("visible");
    at_work.stop().await;
}

#[tokio::test]
async fn two_projectors_apply_each_event_once() {
    let world = World::delivering(Delivery {
        sizes: vec![3, 1, 2],
        again: 1,
    })
    .await;
    let other = world.program(projections().expect("good projections"));
    let one = world.start();
    let two = other.start();
    // The counters are sums, so an event that is applied twice would be counted twice.
    for id in 0..100 {
        world.log.append([imported(0x1000 + id, "Ada", None)]);
    }
    world
        .readers
        .wait_for(world.log.last_position(), PATIENCE)
        .await
        .expect("caught up");
    // When one projector stops, the other one continues its work.
    one.stop().await;
    let position = world.log.append([imported(0x2000, "Ada", None)]);
    other
        .readers
        .wait_for(position, PATIENCE)
        .await
        .expect("caught up");
    two.stop().await;
    let counts = &world.rows("overview").await["overview_counts"];
    assert_eq!(
        *counts,
        json!([{"name": "attendees", "count": 101, "position": position}])
    );
}

#[tokio::test]
async fn inapplicable_event_stops_only_its_projection_until_a_restart() {
    let world = World::new().await;
    let before = world
        .log
        .append([imported(0xA1, "Ada", None), imported(0xA2, "Alan", None)]);
    let poisoned = world.log.append([poison(0xA3)]);
    let last = world
        .log
        .append([imported(0xA4, "Edsger", None), defined(CERTIFICATE)]);
    let at_work = world.start();
    until("the others continue", || async {
        world.health("certificates").await.position == last
    })
    .await;
    until("it stops", || async {
        world.health("attendees").await.state == "stopped"
    })
    .await;

    let health = world.health("attendees").await;
    assert_eq!((health.position, health.lag), (before, last - before));
    let why = health.error.expect("a reason");
    assert!(
        why.contains("AttendeeImported") && why.contains(&format!("{poisoned}")),
        "{why}"
    );
    assert!(why.contains("23502"), "{why}");
    for other in world
        .status()
        .await
        .iter()
        .filter(|health| health.name != "attendees")
    {
        assert_eq!(
            (other.state, other.position),
            ("live", last),
            "{}",
            other.name
        );
    }
    // More events arrive. The stopped projection keeps its position, and the other ones continue.
    let more = world.log.append([defined(CERTIFICATE + 1)]);
    until("the others continue", || async {
        world.health("certificates").await.position == more
    })
    .await;
    assert_eq!(world.health("attendees").await.position, before);
    at_work.stop().await;

    world
        .execute(&format!(
            "ALTER TABLE \"{0}_bld\".attendees ALTER full_name DROP NOT NULL, \
        ALTER document_number DROP NOT NULL, ALTER email DROP NOT NULL, ALTER name_key DROP NOT NULL, \
        ALTER email_key DROP NOT NULL, ALTER document_key DROP NOT NULL",
            world.schema("attendees")
        ))
        .await;
    world.project().await;
    assert_eq!(
        world.rows("attendees").await["attendees"]
            .as_array()
            .map(Vec::len),
        Some(4)
    );
    assert_eq!(world.health("attendees").await.error, None);
}

#[tokio::test]
async fn reason_of_a_stopped_projection_contains_no_personal_data() {
    let world = World::new().await;
    let body =
        br#"{"fullName":"Ada","documentNumber":"1","email":"a@b","source":{"kind":"import","id":"Ada Lovelace"}}"#;
    world.log.append([Happened {
        body: Bytes::from_static(body),
        ..poison(0xA1)
    }]);
    let at_work = world.start();
    until("it stops", || async {
        world.health("attendees").await.state == "stopped"
    })
    .await;
    let why = world.health("attendees").await.error.expect("a reason");
    assert!(why.contains("22P02") && !why.contains("Ada"), "{why}");
    at_work.stop().await;
}

#[tokio::test]
async fn changed_handler_builds_only_its_projection_in_a_new_schema() {
    let old = World::new().await;
    old.log.append(everything());
    old.project().await;
    let old_rows = old.all_rows().await;

    let mut changed = projections().expect("good projections");
    let attendees = changed
        .iter_mut()
        .find(|p| p.name == "attendees")
        .expect("is there");
    for handler in &mut attendees.handlers {
        handler.sql = handler.sql.replace("data.country", "reverse(data.country)");
    }
    let new = old.program(changed);
    let other_than_old = |world: &World| {
        let schemas = world.set.members().iter().zip(old.set.members());
        schemas
            .filter(|(a, b)| a.schema != b.schema)
            .map(|(a, _)| a.projection.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(other_than_old(&new), ["attendees"]);

    // Both programs run at the same time while events arrive.
    let old_at_work = old.start();
    let new_at_work = new.start();
    let position = new.log.append([imported(0xA7, "Tony", None)]);
    new.readers
        .wait_for(position, PATIENCE)
        .await
        .expect("built");
    old.readers
        .wait_for(position, PATIENCE)
        .await
        .expect("continues");
    new.until_ready().await;
    old_at_work.stop().await;
    new_at_work.stop().await;

    let countries = |rows: serde_json::Value| rows["attendees"][0]["country"].clone();
    assert_eq!(countries(new.rows("attendees").await), json!("úreP"));
    assert_eq!(countries(old.rows("attendees").await), json!("Perú"));
    assert_eq!(old.rows("certificates").await, old_rows["certificates"]);
    assert_eq!(
        new.rows("attendees").await["attendees"]
            .as_array()
            .map(Vec::len),
        Some(4)
    );
}

#[tokio::test]
async fn a_log_that_lost_events_stops_the_projections() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    world.log.lose_all_but(5);
    let at_work = world.start();
    stopped(&world, "the log ends at 19").await;
    at_work.stop().await;
}

#[tokio::test]
async fn outdated_answers_about_the_log_do_not_stop_a_projection() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    world.log.lag(Some(19));
    let at_work = world.start();
    until("the projector has asked", async || {
        world.log.lagging_answers() >= 2
    })
    .await;
    world.log.lag(None);
    let position = world.log.append([imported(0xA7, "Tony", None)]);
    world
        .readers
        .wait_for(position, PATIENCE)
        .await
        .expect("continues");
    at_work.stop().await;
}

/// Waits until a projection is stopped with an error that contains this text.
async fn stopped(world: &World, text: &str) {
    until("the projections are stopped", async || {
        let health = world.health("attendees").await;
        health.state == "stopped" && health.error.is_some_and(|error| error.contains(text))
    })
    .await;
}

#[tokio::test]
async fn log_with_another_identity_stops_the_projections() {
    let world = World::new().await;
    world.log.append(everything());
    world.project().await;
    let rows = world.all_rows().await;
    world.log.create_again();
    let at_work = world.start();
    stopped(&world, "was filled from a log created at").await;
    at_work.stop().await;
    assert_eq!(world.all_rows().await, rows);
}

#[tokio::test]
async fn broken_sql_stops_its_projection_with_a_reason() {
    let world = World::new().await;
    let broken = Projection::parse(
        "broken",
        "CREATE TABLE broken (id uuid PRIMARY KEY);",
        &[(
            "attendee_imported",
            "-- row key: id\nINSERT INTO nowhere (id) SELECT 1",
        )],
    );
    let mut all = projections().expect("good projections");
    all.push(broken.expect("declares its key"));
    let program = world.program(all);
    let position = program.log.append([imported(0xA1, "Ada", None)]);
    let at_work = program.start();
    until("the others continue", || async {
        program.health("attendees").await.position == position
    })
    .await;
    until("it stops", || async {
        program.health("broken").await.state == "stopped"
    })
    .await;
    let why = program.health("broken").await.error.expect("a reason");
    assert!(why.contains("42P01") && why.contains("nowhere"), "{why}");
    at_work.stop().await;
}

#[tokio::test]
async fn batch_that_takes_too_long_is_applied_in_smaller_ones() {
    let world = World::new().await;
    // The handler fails for a batch of more than three events, in the same way as for a statement
    // timeout.
    let slow = Projection::parse(
        "slow",
        "CREATE TABLE slow (id uuid PRIMARY KEY);
         CREATE FUNCTION in_time(events bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
             IF events > 3 THEN RAISE EXCEPTION 'too slow' USING ERRCODE = 'query_canceled'; END IF;
             RETURN true;
         END $$;",
        &[(
            "attendee_imported",
            "-- row key: id\nINSERT INTO slow (id) SELECT id FROM event WHERE in_time((SELECT count(*) FROM event))",
        )],
    );
    let mut all = projections().expect("good projections");
    all.push(slow.expect("declares its key"));
    let program = world.program(all);
    let position = program
        .log
        .append((0..20).map(|id| imported(0x1000 + id, "Ada", None)));
    program.project().await;
    let health = program.health("slow").await;
    assert_eq!(
        (health.state, health.position, health.error),
        ("live", position, None)
    );
    assert_eq!(
        program.rows("slow").await["slow"].as_array().map(Vec::len),
        Some(20)
    );
}
