//! Task that finds work that was lost, and lets its worker do it again.
//!
//! The query tables only select the work. The worker decides on the log, so work that has an
//! outcome by now is not repeated.

use std::collections::BTreeMap;

use super::run::SchedulerParts;
use crate::event_log::{EventLog, LogError, Position};
use crate::projection::queries::stuck::{Acknowledged, StuckRow, stuck};
use crate::workers::dead_letter::DeadLetter;
use crate::workers::flow::{ImporterInput, Input, MailerInput, ProcessesInput, RendererInput};
use crate::workers::retries::{repeat, timer_of};

/// Maximum number of works of each kind in one run.
const MOST: i64 = 10_000;

impl SchedulerParts {
    /// Repeats work that has not changed for a while although its worker has acknowledged the
    /// event, that no timer repeats, and that was not given up.
    pub(super) async fn stuck_work(&self) -> anyhow::Result<String> {
        let log = self.commands.log();
        let acknowledged = Acknowledged {
            renderer: acknowledged(log, RendererInput::WORKER).await?,
            importer: acknowledged(log, ImporterInput::WORKER).await?,
            processes: acknowledged(log, ProcessesInput::WORKER).await?,
            mailer: acknowledged(log, MailerInput::WORKER).await?,
        };
        let minutes = time::Duration::minutes(self.settings.stuck_after_minutes.into());
        let before = self.commands.now() - minutes;
        let found = stuck(&self.tables.get().await?, before, MOST, acknowledged).await?;
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for row in left(log, found).await? {
            let position = Position::try_from(row.position)?;
            repeat(log, &row.worker, position).await?;
            tracing::warn!(worker = row.worker, id = %row.id, position, "lost work repeated");
            metrics::counter!("laureate_work_repeated_total", "worker" => row.worker.clone())
                .increment(1);
            *counts.entry(row.worker).or_default() += 1;
        }
        let counts: Vec<_> = counts
            .into_iter()
            .map(|(worker, count)| format!("{worker} {count}"))
            .collect();
        Ok(if counts.is_empty() {
            "nothing was lost".to_owned()
        } else {
            format!("repeated: {}", counts.join(", "))
        })
    }
}

/// Returns the position up to which a worker has acknowledged all events.
async fn acknowledged(log: &EventLog, worker: &str) -> anyhow::Result<i64> {
    Ok(i64::try_from(log.acknowledged(worker).await?)?)
}

/// Returns the work that no timer repeats and that was not given up. Work that a user wants to be
/// stopped is repeated even if it was given up.
async fn left(log: &EventLog, found: Vec<StuckRow>) -> Result<Vec<StuckRow>, LogError> {
    let names = log.names();
    let position = |row: &StuckRow| Position::try_from(row.position).unwrap_or_default();
    let timer = |row: &StuckRow| names.timer(&timer_of(&row.worker, position(row)));
    let letter = |row: &StuckRow| names.dead_letter(&row.worker, &row.id.to_string());
    let timers: Vec<_> = found.iter().map(timer).collect();
    let timers = log.last_kept(&names.timers(), &timers).await?;
    let letters: Vec<_> = found.iter().map(letter).collect();
    let letters = log.last_kept(&names.dead_letters(), &letters).await?;
    let is_given_up = |row: &StuckRow| {
        let last = letters.get(&letter(row));
        last.is_some_and(|body| serde_json::from_slice::<DeadLetter>(body).is_ok())
    };
    let is_left = |row: &StuckRow| {
        !timers.contains_key(&timer(row)) && (row.is_stopping || !is_given_up(row))
    };
    Ok(found.into_iter().filter(|row| is_left(row)).collect())
}
