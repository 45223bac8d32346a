//! Group commit: under load, imports, issuing, rendering and mailing share batches of the log.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures_util::StreamExt;
use laureate::spreadsheet::made_up_people;

use super::{Api, file};
use crate::support::TestApp;

const PEOPLE: usize = 200;
/// Largest number of rounds. On a busy machine, one round may not be enough, because the mailer may
/// be too slow to share batches in it.
const ROUNDS: usize = 5;

/// Returns the largest number of commands in one batch of the log, by actor.
async fn largest_shared_batch(api: &Api) -> HashMap<String, usize> {
    let log = api.app.app.commands().log();
    let stream = log
        .context()
        .get_stream(log.names().events())
        .await
        .expect("provisioned");
    let mut left = stream.cached_info().state.messages;
    let config = pull::OrderedConfig {
        deliver_policy: DeliverPolicy::All,
        ..Default::default()
    };
    let consumer = stream.create_consumer(config).await.expect("a consumer");
    let mut messages = consumer.messages().await.expect("messages");
    let mut batches: HashMap<(String, String), HashSet<String>> = HashMap::new();
    while left > 0 {
        let next = tokio::time::timeout(Duration::from_secs(30), messages.next()).await;
        let message = next.expect("in time").expect("more").expect("readable");
        let headers = message.headers.clone().expect("an envelope");
        let header = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
        if let Some(batch) = header("Nats-Batch-Id") {
            let actor = header("actor").expect("an actor");
            batches
                .entry((actor, batch))
                .or_default()
                .insert(header("command-id").expect("a command"));
        }
        left -= 1;
    }
    let mut largest = HashMap::new();
    for ((actor, _), commands) in batches {
        let most: &mut usize = largest.entry(actor).or_default();
        *most = commands.len().max(*most);
    }
    largest
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_workers_share_group_commits() {
    keep_all_busy(Api::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_workers_share_group_commits_on_a_cluster() {
    keep_all_busy(Api::of(TestApp::on_cluster().await).await).await;
}

async fn keep_all_busy(api: Api) {
    let certificate = api.certificate().await;
    let mut lonely = Vec::new();
    for round in 1..=ROUNDS {
        let form = file("people.csv", people_of(round)).text("certificateId", certificate.clone());
        api.upload("/attendees/bulk-upload", form).await.expect(200);
        let sent = |body: &serde_json::Value| body["meta"]["summary"]["sent"] == PEOPLE * round;
        api.until("all mails are sent", "/jobs?limit=1", sent).await;

        let largest = largest_shared_batch(&api).await;
        // Actors: importer, process managers (`batch` and `mail`), renderer and mailer.
        let actors = ["importer-row", "batch", "mail", "renderer", "mailer"].into_iter();
        lonely = actors
            .filter(|actor| largest.get(*actor).is_none_or(|most| *most <= 4))
            .collect();
        if lonely.is_empty() {
            return;
        }
    }
    panic!("these never had more than 4 commands in a batch: {lonely:?}");
}

/// Returns a file whose people are in no other round.
fn people_of(round: usize) -> Vec<u8> {
    let mut all = Vec::new();
    made_up_people(PEOPLE * round, 7, &mut all).expect("written");
    let all = String::from_utf8(all).expect("UTF-8");
    let mut lines = all.lines();
    let header = lines.next().into_iter();
    let lines: Vec<_> = header.chain(lines.skip(PEOPLE * (round - 1))).collect();
    lines.join("\n").into_bytes()
}
