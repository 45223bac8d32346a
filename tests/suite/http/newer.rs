//! Events of a newer program in the log, while this one runs.

use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use futures_util::StreamExt;
use laureate::event_log::Position;
use serde_json::{Value, json};
use uuid::Uuid;

use super::people::text;
use super::{Answered, Api};
use crate::log::fixture::put_newer;
use crate::support::until;

/// Appends an event as a newer program does. `workers` is the value of its header `for`.
pub async fn append(
    api: &Api,
    aggregate: (&str, &str),
    event_type: &str,
    schema: u32,
    workers: &str,
) -> Position {
    let log = api.app.app.commands().log();
    put_newer(log, aggregate, event_type, schema, workers).await
}

/// Returns the problem of a dependency, as health reports it.
async fn problem(api: &Api, name: &str) -> String {
    let ready = Answered::of(api.management("/health/ready").await).await;
    let dependencies = ready.body["dependencies"].as_array().expect("details");
    let found = dependencies.iter().find(|one| one["name"] == name);
    found.expect("a dependency")["problem"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

async fn consumer(api: &Api, name: &str) -> PullConsumer {
    let log = api.app.app.commands().log();
    let consumer = log
        .context()
        .get_consumer_from_stream(name, log.names().events())
        .await;
    consumer.expect("provisioned")
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_leaves_the_work_of_a_newer_program_to_it() {
    let api = Api::start().await;
    let id = Uuid::new_v4().to_string();
    let issuance = ("issuance", id.as_str());
    // Unknown events that no worker of this name handles, and a known type that none handles.
    append(&api, issuance, "CertificatePraised", 1, "").await;
    append(&api, issuance, "CertificatePraised", 1, "webhooks,mailer").await;
    let last = append(&api, issuance, "CertificateGenerationFailed", 9, "webhooks").await;
    until("they are acknowledged", async || {
        let info = consumer(&api, "renderer").await.cached_info().clone();
        info.ack_floor.stream_sequence >= last
    })
    .await;
    assert_eq!(problem(&api, "workers").await, "");

    // An unknown type that names the renderer, and an unknown version of a type that the process
    // managers handle.
    let praised = append(&api, issuance, "CertificatePraised", 1, "webhooks,renderer").await;
    let generated = append(&api, issuance, "CertificateGenerated", 9, "processes").await;
    for (worker, position) in [("renderer", praised), ("processes", generated)] {
        until("the worker is stopped", async || {
            problem(&api, "workers")
                .await
                .contains(&format!("{worker} is stopped"))
        })
        .await;
        // A newer process receives the event, among others that this worker doesn't pull any more.
        let consumer = consumer(&api, worker).await;
        let asked = consumer.batch().max_messages(10);
        let asked = asked.expires(Duration::from_secs(30)).messages();
        let mut delivered = asked.await.expect("asked");
        loop {
            let message = delivered.next().await.expect("a delivery");
            let message = message.expect("a message");
            if message.info().expect("a delivery").stream_sequence == position {
                break;
            }
        }
    }
    let alive = api.public("/health/live").await;
    assert_eq!(alive.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_event_stops_the_authorization_state_and_the_projections() {
    let api = Api::start().await;
    let log = api.app.app.commands().log();
    let subject = log.names().aggregate("user", &Uuid::new_v4().to_string());
    let written = log.context().publish(subject, "{}".into()).await;
    written.expect("sent").await.expect("written");
    until("no token is accepted", async || {
        let refused = api.get("/auth/me").await;
        refused.status == 503 && refused.header("retry-after") == "1"
    })
    .await;
    until("health reports it", async || {
        problem(&api, "permissions")
            .await
            .contains("is not an event")
    })
    .await;
    until("all projections are stopped", async || {
        let stopped = problem(&api, "projections").await;
        let names = ["attendees is stopped", "users is stopped"];
        names.iter().all(|name| stopped.contains(name))
    })
    .await;
    let alive: Value = Answered::of(api.public("/health/live").await).await.body;
    assert_eq!(alive["data"]["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_events_stop_only_what_needs_them() {
    let api = Api::start().await;
    let person = json!({
        "fullName": "Ada Lovelace", "email": "ada@example.com", "documentNumber": "123",
    });
    let created = api.post("/attendees", &person).await.expect(201);
    let id = text(&created.body["data"]["id"]);
    let attendee = ("attendee", id.as_str());

    // Projections pass over an unknown type. A command can't.
    append(&api, attendee, "AttendeePraised", 1, "").await;
    let path = format!("/attendees/{id}");
    let change = json!({ "fullName": "Ada King" });
    let refused = api.patch(&path, &change).await.expect(503);
    assert_eq!(refused.code(), "UNAVAILABLE");
    let position = api.app.app.commands().log().info().await.unwrap();
    api.app
        .app
        .readers()
        .wait_for(position.last_position, Duration::from_secs(60))
        .await
        .expect("the tables pass over the event");
    assert_eq!(problem(&api, "projections").await, "");

    // An unknown version stops the projection that handles the type, and no other.
    append(&api, attendee, "AttendeeUpdated", 9, "").await;
    until("the projection is stopped", async || {
        problem(&api, "projections")
            .await
            .contains("attendees is stopped")
    })
    .await;
    let stopped = problem(&api, "projections").await;
    assert!(!stopped.contains("certificates is stopped"), "{stopped}");

    // The authorization state stops at an unknown type, too. The process keeps running.
    let me = api.get("/auth/me").await.expect(200);
    let me = text(&me.body["data"]["id"]);
    append(&api, ("user", &me), "UserPraised", 1, "").await;
    until("no token is accepted", async || {
        api.get("/auth/me").await.status == 503
    })
    .await;
    until("health reports it", async || {
        problem(&api, "permissions")
            .await
            .contains("no event type \"UserPraised\"")
    })
    .await;
    let alive: Value = Answered::of(api.public("/health/live").await).await.body;
    assert_eq!(alive["data"]["status"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_version_of_an_event_about_access_ends_all_permissions() {
    let api = Api::start().await;
    let me = api.get("/auth/me").await.expect(200);
    let me = text(&me.body["data"]["id"]);
    // The event may disable this user.
    append(&api, ("user", &me), "UserProfileChanged", 9, "").await;
    until("no token is accepted", async || {
        api.get("/auth/me").await.status == 503
    })
    .await;
    until("health reports it", async || {
        problem(&api, "permissions")
            .await
            .contains("schema version 9")
    })
    .await;
}
