//! Events through commands over raw publishing of the same bytes, with the same acknowledgement.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::{self, stream};
use async_nats::{HeaderMap, Request};
use bytes::Bytes;
use futures_util::StreamExt;
use laureate::app::App;

use super::ground::Ground;
use super::lives;
use super::report::{Goal, Report, median};

/// Events per run.
const EVENTS: usize = 30_000;
/// Longest wait for the acknowledgement of a batch.
const WITHIN: Duration = Duration::from_secs(30);

struct RawMessage {
    subject: String,
    headers: HeaderMap,
    body: Bytes,
}

/// Measures with `sync_interval: always`, and with the default of the server.
pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    for (sync_always, ratio, commands, raw) in [
        (true, "append_vs_raw", "append_commands", "append_raw"),
        (
            false,
            "append_vs_raw_default_sync",
            "append_commands_default_sync",
            "append_raw_default_sync",
        ),
    ] {
        let ground = Ground::start(sync_always).await?;
        let mut through_commands = Vec::new();
        let mut published = Vec::new();
        let mut sizes = Vec::new();
        for run in 1..=report.runs {
            report.progress(&format!(
                "append, sync {}, run {run}",
                if sync_always { "always" } else { "by default" }
            ));
            let app = ground.app().await?;
            let before = group_sizes(&app);
            let took = lives::queue_mails(&app, EVENTS).await?;
            through_commands.push(EVENTS as f64 / took.as_secs_f64());
            let after = group_sizes(&app);
            let size = (after.0 - before.0) / (after.1 - before.1).max(1.0);
            sizes.push(size);
            let messages = stored(&app).await?;
            ensure!(
                messages.len() == EVENTS,
                "{} of {EVENTS} events are in the log",
                messages.len()
            );
            published.push(raw_rate(&app, messages, size).await?);
        }
        let ratios = through_commands
            .iter()
            .zip(&published)
            .map(|(ours, raw)| ours / raw)
            .collect();
        report.ratio(ratio, Goal::AtLeast(0.6), ratios);
        report.figure(commands, "events/s", through_commands);
        report.figure(raw, "events/s", published);
        report.note(format!(
            "{ratio}: group commits had {:.0} events in the mean",
            median(&sizes)
        ));
        ground.stop().await;
    }
    Ok(())
}

/// Returns the number of events in group commits so far, and the number of group commits.
fn group_sizes(app: &App) -> (f64, f64) {
    let metrics = app.metrics();
    let value = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok())
            .unwrap_or(0.0)
    };
    (
        value("laureate_group_commit_size_sum "),
        value("laureate_group_commit_size_count "),
    )
}

/// Returns all messages of the log, without the headers that the server has added.
async fn stored(app: &App) -> anyhow::Result<Vec<RawMessage>> {
    let log = app.commands().log();
    let stream = log.context().get_stream(log.names().events()).await?;
    let last = log.info().await?.last_position;
    let consumer = stream
        .create_consumer(pull::OrderedConfig::default())
        .await?;
    let mut incoming = consumer.messages().await?;
    let mut messages = Vec::new();
    while let Some(message) = incoming.next().await {
        let message = message?;
        let mut headers = HeaderMap::new();
        for (name, values) in message.headers.iter().flat_map(HeaderMap::iter) {
            if !name.to_string().starts_with("Nats-") {
                values
                    .iter()
                    .for_each(|value| headers.append(name.clone(), value.clone()));
            }
        }
        let sequence = message
            .info()
            .map_err(|error| anyhow::anyhow!(error))?
            .stream_sequence;
        let subject = format!("raw.{}", message.subject);
        messages.push(RawMessage {
            subject,
            headers,
            body: message.message.payload,
        });
        if sequence >= last {
            break;
        }
    }
    Ok(messages)
}

/// Publishes the messages again in consecutive atomic batches of `size`. Returns events per second.
async fn raw_rate(app: &App, messages: Vec<RawMessage>, size: f64) -> anyhow::Result<f64> {
    let log = app.commands().log();
    let name = format!("{}_RAW", log.names().namespace());
    let config = stream::Config {
        name: name.clone(),
        subjects: vec![format!("raw.{}.>", log.names().namespace())],
        allow_atomic_publish: true,
        allow_direct: true,
        storage: stream::StorageType::File,
        ..Default::default()
    };
    log.context().create_stream(config).await?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "1 to 1000"
    )]
    let size = size.round().clamp(1.0, 1_000.0) as usize;
    let count = messages.len();
    let begun = Instant::now();
    for batch in messages.chunks(size) {
        publish(log.client(), batch).await?;
    }
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    let stored = log
        .context()
        .get_stream(&name)
        .await?
        .cached_info()
        .state
        .messages;
    ensure!(
        stored == count as u64,
        "{stored} of {count} raw messages are stored"
    );
    log.context().delete_stream(name).await?;
    Ok(rate)
}

/// Publishes one atomic batch (ADR-50).
async fn publish(client: &async_nats::Client, batch: &[RawMessage]) -> anyhow::Result<()> {
    let id = uuid::Uuid::new_v4().simple().to_string();
    for (index, message) in batch.iter().enumerate() {
        let mut headers = message.headers.clone();
        headers.insert("Nats-Batch-Id", id.as_str());
        headers.insert("Nats-Batch-Sequence", (index + 1).to_string());
        if index + 1 < batch.len() {
            client
                .publish_with_headers(message.subject.clone(), headers, message.body.clone())
                .await?;
            continue;
        }
        headers.insert("Nats-Batch-Commit", "1");
        let request = Request::new()
            .headers(headers)
            .payload(message.body.clone())
            .timeout(Some(WITHIN));
        let answer = client
            .send_request(message.subject.clone(), request)
            .await?;
        let answer: jetstream::response::Response<serde_json::Value> =
            serde_json::from_slice(&answer.payload)?;
        if let jetstream::response::Response::Err { error } = answer {
            return Err(error).context("a raw batch was refused");
        }
    }
    Ok(())
}
