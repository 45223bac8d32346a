//! Projections filled from the log, over plain COPY of one row per event.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use futures_util::SinkExt;
use laureate::app::App;
use laureate::database;
use laureate::event_log::EventLog;
use laureate::projection::{Maintenance, ProjectionSet, Projector, Readers};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::ground::{Ground, PATIENCE};
use super::lives;
use super::report::{Goal, Report};

/// Mails in the log for one projection. Each has three events.
const MAILS: usize = 30_000;
/// People in the log for all projections. Each has six events.
const PEOPLE: usize = 10_000;
/// Size of the connection pool of the projector, and of the one for maintenance.
const CONNECTIONS: usize = 6;
/// Rows that are sent together.
const ROWS_PER_CHUNK: usize = 500;

/// Measures one projection and then all of them, each live and rebuilt.
pub async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let ground = Ground::start(true).await?;
    let [mut one, mut again, mut copied, mut all, mut all_again] = <[Vec<f64>; 5]>::default();
    for run in 1..=report.runs {
        report.progress(&format!("replay of one projection, run {run}"));
        let tables = Tables::live(ground.app().await?, &ground, &["jobs"]).await?;
        lives::sent_mails(&tables.app, MAILS).await?;
        let events = (MAILS * lives::EVENTS_PER_MAIL) as f64;
        copied.push(
            events
                / tables
                    .copy(MAILS * lives::EVENTS_PER_MAIL, MAILS)
                    .await?
                    .as_secs_f64(),
        );
        one.push(events / tables.catch_up().await?.as_secs_f64());
        again.push(events / tables.rebuild().await?.as_secs_f64());
        report.progress(&format!("replay of all projections, run {run}"));
        let tables = Tables::live(ground.app().await?, &ground, &[]).await?;
        lives::certified_people(&tables.app, PEOPLE).await?;
        let events = (PEOPLE * lives::EVENTS_PER_PERSON) as f64;
        all.push(events / tables.catch_up().await?.as_secs_f64());
        all_again.push(events / tables.rebuild().await?.as_secs_f64());
    }
    let over = |ours: &[f64]| {
        ours.iter()
            .zip(&copied)
            .map(|(ours, copy)| ours / copy)
            .collect()
    };
    report.ratio("replay_one_vs_copy", Goal::AtLeast(0.35), over(&one));
    report.ratio("rebuild_vs_copy", Goal::AtLeast(0.6), over(&again));
    report.figure("replay_one", "events/s", one);
    report.figure("rebuild_one", "events/s", again);
    report.figure("replay_all", "events/s", all);
    report.figure("rebuild_all", "events/s", all_again);
    report.figure("copy", "rows/s", copied);
    ground.stop().await;
    Ok(())
}

/// Projections that are live on an empty log.
struct Tables {
    app: App,
    database: String,
    set: Arc<ProjectionSet>,
}

impl Tables {
    async fn live(app: App, ground: &Ground, names: &[&str]) -> anyhow::Result<Self> {
        let embedded = ProjectionSet::embedded(&app.config().namespace)?;
        let set = Arc::new(if names.is_empty() {
            embedded
        } else {
            embedded.only(names)?
        });
        let tables = Self {
            app,
            database: ground.stack.postgres_url().to_owned(),
            set,
        };
        tables.catch_up().await?;
        Ok(tables)
    }

    fn pool(&self) -> anyhow::Result<deadpool_postgres::Pool> {
        Ok(database::connect(&self.database, None, CONNECTIONS)?)
    }

    fn log(&self) -> Arc<EventLog> {
        Arc::new(self.app.commands().log().clone())
    }

    /// Returns the time that the projector needs to follow the log to its end.
    async fn catch_up(&self) -> anyhow::Result<Duration> {
        let log = self.app.commands().log().info().await?;
        let readers = Readers::new(self.pool()?, self.set.clone());
        let projector = Projector::new(self.pool()?, self.log(), readers.clone());
        let shutdown = CancellationToken::new();
        let begun = Instant::now();
        let following = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { projector.run(shutdown).await }
        });
        readers.wait_for(log.last_position, PATIENCE).await?;
        while readers
            .status(&log)
            .await?
            .iter()
            .any(|projection| !projection.ready)
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = begun.elapsed();
        shutdown.cancel();
        following.await??;
        Ok(took)
    }

    /// Returns the duration of a rebuild, including the swap.
    async fn rebuild(&self) -> anyhow::Result<Duration> {
        let maintenance = Maintenance::new(self.pool()?, self.log(), self.set.clone());
        let begun = Instant::now();
        maintenance.rebuild(&[], |_| {}).await?;
        Ok(begun.elapsed())
    }

    /// Returns the time that PostgreSQL needs to copy `rows` rows into a table of the same shape as
    /// the projection's, with its keys and indexes, and the recipients of `mails` mails into another
    /// one.
    async fn copy(&self, rows: usize, mails: usize) -> anyhow::Result<Duration> {
        let pool = self.pool()?;
        let client = pool.get().await?;
        let schema = &self.set.members().first().context("no projection")?.schema;
        let table = format!("\"{}\".copied", self.app.config().namespace);
        let recipients = format!("{table}_recipients");
        client
            .batch_execute(&format!(
                "CREATE SCHEMA IF NOT EXISTS \"{}\"; CREATE TABLE {table} (LIKE \"{schema}\".jobs INCLUDING ALL); \
                 CREATE TABLE {recipients} (LIKE \"{schema}\".job_recipients INCLUDING ALL)",
                self.app.config().namespace
            ))
            .await?;
        let chunks: Vec<Bytes> = (0..rows)
            .step_by(ROWS_PER_CHUNK)
            .map(|first| text(first, rows.min(first + ROWS_PER_CHUNK)))
            .collect();
        let names: Vec<Bytes> = (0..mails)
            .step_by(ROWS_PER_CHUNK)
            .map(|first| recipients_text(first, mails.min(first + ROWS_PER_CHUNK)))
            .collect();
        let begun = Instant::now();
        let sink = client
            .copy_in(&format!(
                "COPY {table} (id, issuance_id, certificate_id, is_replaced, to_name, to_address, stage, attempts, message_id, \
                 attempted_at, answer, sent_at, created_at, updated_at, created_position, position) FROM STDIN"
            ))
            .await?;
        let mut sink = std::pin::pin!(sink);
        for chunk in chunks {
            sink.send(chunk).await?;
        }
        sink.finish().await?;
        let columns = "id, to_name, to_address, position";
        let sink = client
            .copy_in(&format!("COPY {recipients} ({columns}) FROM STDIN"))
            .await?;
        let mut sink = std::pin::pin!(sink);
        for chunk in names {
            sink.send(chunk).await?;
        }
        sink.finish().await?;
        let took = begun.elapsed();
        client
            .batch_execute(&format!("DROP TABLE {table}, {recipients}"))
            .await?;
        Ok(took)
    }
}

/// Returns rows in the text format of COPY. Each is a sent mail.
fn text(from: usize, to: usize) -> Bytes {
    let mut rows = String::new();
    for number in from..to {
        let id = Uuid::new_v4();
        let time = "2026-11-21 12:00:00+00";
        // Writing to a string can't fail.
        let _ = writeln!(
            rows,
            "{id}\t{issuance}\t{issuance}\tf\tPerson Number {number}\tperson.{number}@example.com\tsent\t1\t\
             <{id}@laureate.example>\t{time}\t250 taken\t{time}\t{time}\t{time}\t{number}\t{number}",
            issuance = Uuid::from_u128(number as u128),
        );
    }
    rows.into()
}

/// Returns the recipients of mails in the text format of COPY.
fn recipients_text(from: usize, to: usize) -> Bytes {
    let mut rows = String::new();
    for number in from..to {
        let id = Uuid::new_v4();
        // Writing to a string can't fail.
        let _ = writeln!(
            rows,
            "{id}\tPerson Number {number}\tperson.{number}@example.com\t{number}"
        );
    }
    rows.into()
}
