//! Undo of a batch by a process that is killed with SIGKILL several times.

use std::collections::BTreeMap;

use laureate::commands::Commands;
use laureate::domain::BatchId;
use laureate::domain::certification::batch::{Batch, BatchEvent};
use laureate::event_log::EventLog;
use serde_json::json;

use super::withdrawing::{batch, defined, people, undo};
use crate::log::fixture::{commands, person, read_all};
use crate::projection::real::Real;
use crate::support::until;

const PEOPLE: usize = 2_000;

/// Reduces the ack wait from one minute to one second, so that the deliveries of a killed worker
/// are soon redelivered.
async fn redeliver_soon(log: &EventLog) {
    let stream = log.names().events();
    let ask = async |subject: String, body: serde_json::Value| {
        let answer = log
            .client()
            .request(subject, body.to_string().into())
            .await
            .expect("answered");
        serde_json::from_slice::<serde_json::Value>(&answer.payload).expect("JSON")
    };
    let mut config = ask(
        format!("$JS.API.CONSUMER.INFO.{stream}.processes"),
        json!({}),
    )
    .await["config"]
        .clone();
    config["ack_wait"] = json!(1_000_000_000_u64);
    config["max_deliver"] = json!(-1);
    let changed = json!({ "stream_name": stream, "config": config });
    let answer = ask(
        format!("$JS.API.CONSUMER.CREATE.{stream}.processes"),
        changed,
    )
    .await;
    assert!(answer["error"].is_null(), "{answer}");
}

async fn end_of(commands: &Commands, id: BatchId) -> Option<BatchEvent> {
    let events = commands
        .log()
        .load("batch", &id.to_string(), 0)
        .await
        .expect("readable");
    let last = events.last().expect("requested");
    Some(last.decode_as::<BatchEvent>().expect("known"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeatedly_killed_undo_revokes_each_issuance_once() {
    let real = Real::new().await;
    let commands = commands(&real.log);
    redeliver_soon(&real.log).await;
    let certificate = defined(&commands).await;
    let known = people(&commands, PEOPLE).await;
    let id = batch(&commands, certificate, &known).await;
    let serve = ["serve", "--roles", "processes"];
    let first = real.start(&serve);
    until("every person has a certificate", async || {
        matches!(
            end_of(&commands, id).await,
            Some(BatchEvent::BatchDispatched(_))
        )
    })
    .await;
    drop(first);

    commands
        .execute::<Batch>(&person(), id, undo())
        .await
        .expect("asked");
    let mut kills = 0;
    while matches!(
        end_of(&commands, id).await,
        Some(BatchEvent::BatchUndoRequested(_))
    ) && kills < 4
    {
        let before = real.last_position().await;
        let process = real.start(&serve);
        // The process is killed at a random time after it has revoked some issuances.
        until("it makes progress or is done", async || {
            real.last_position().await > before
        })
        .await;
        drop(process);
        kills += 1;
    }
    let _last = real.start(&serve);
    until("the batch is undone", async || {
        matches!(
            end_of(&commands, id).await,
            Some(BatchEvent::BatchUndone(_))
        )
    })
    .await;

    let Some(BatchEvent::BatchUndone(end)) = end_of(&commands, id).await else {
        panic!("not undone")
    };
    assert_eq!(end.revoked as usize, PEOPLE);
    let mut revocations: BTreeMap<String, u32> = BTreeMap::new();
    for event in read_all(&real.log).await {
        if event.event_type == "CertificateRevoked" {
            *revocations.entry(event.id).or_default() += 1;
        }
    }
    assert_eq!(revocations.len(), PEOPLE);
    assert!(
        revocations.values().all(|count| *count == 1),
        "revoked twice"
    );
    assert!(kills > 0, "it was never killed");
}
