//! Implementation of the tasks. Each task returns a text about its result.

use futures_util::{StreamExt, stream};
use time::OffsetDateTime;

use super::Task;
use super::failures::Failures;
use super::run::SchedulerParts;
use super::waiting::{Checked, Waiting, release_or_set_timer};
use super::warnings::{Warning, warnings};
use crate::commands::CommandError;
use crate::database;
use crate::domain::certification::mail::Mail;
use crate::projection::queries::jobs::{self, ScheduledJob};

/// Number of scheduled mails per query.
const PAGE: i64 = 500;
/// Time before a mail is due from which a run checks its timer. Later runs check the timers of
/// later mails.
const AHEAD: time::Duration = time::Duration::minutes(15);
/// Maximum number of mails that are checked concurrently. They share group commits.
pub(super) const AT_ONCE: usize = 64;
/// Maximum number of files that one run deletes.
const MOST_FILES: usize = 100_000;

impl SchedulerParts {
    pub(super) async fn carry_out(&self, task: Task) -> anyhow::Result<String> {
        match task {
            Task::DueMails => self.due_mails().await,
            Task::MailStatistics => self.mail_statistics().await,
            Task::MailWarnings => self.mail_warnings().await,
            Task::ExpiredAnswers => {
                let answers =
                    database::forget_expired_answers(&self.database, &self.namespace).await?;
                Ok(format!("{answers} responses deleted"))
            }
            Task::StuckWork => self.stuck_work().await,
            Task::ExpiredFiles => {
                let days = time::Duration::days(self.settings.keep_expiring_days.into());
                let gone = self
                    .storage
                    .delete_expiring(self.commands.now() - days, MOST_FILES)
                    .await?;
                Ok(format!("{gone} files deleted"))
            }
        }
    }

    /// Releases scheduled and retrying mails whose timer was lost, and sets lost timers again. The
    /// table only selects the mails. The log decides about each mail.
    async fn due_mails(&self) -> anyhow::Result<String> {
        let mut released = 0_u32;
        let mut timers = 0_u32;
        let mut failures = Failures::default();
        let mut last: Option<ScheduledJob> = None;
        loop {
            let page = jobs::scheduled(&self.tables.get().await?, last.as_ref(), PAGE).await?;
            let now = self.commands.log().time_of_timers().await?;
            let soon = now + AHEAD;
            let due: Vec<_> = page
                .iter()
                .take_while(|job| job.due_at <= soon)
                .cloned()
                .collect();
            let mut checked = stream::iter(due)
                .map(|job| self.release_or_set_timer(job, now))
                .buffered(AT_ONCE);
            while let Some(outcome) = checked.next().await {
                match outcome {
                    Ok(Checked::Released) => released += 1,
                    Ok(Checked::TimerSet) => timers += 1,
                    Ok(Checked::NotWaiting) => {}
                    Err(error) => failures.add(error),
                }
            }
            let ended = page.last().is_none_or(|job| job.due_at > soon);
            if ended {
                let result = format!("{released} mails released, {timers} timers set");
                return failures.result(result);
            }
            last = page.into_iter().last();
        }
    }

    async fn release_or_set_timer(
        &self,
        job: ScheduledJob,
        now: OffsetDateTime,
    ) -> Result<Checked, CommandError> {
        let waiting = Waiting {
            id: &job.id.to_string(),
            position: job.position.unsigned_abs(),
            due_at: job.due_at,
        };
        release_or_set_timer::<Mail>(&self.commands, waiting, now).await
    }

    async fn mail_statistics(&self) -> anyhow::Result<String> {
        let summary = jobs::summary(&self.tables.get().await?).await?;
        let rate = summary.success_hundredths();
        let total = summary.total;
        let pending = summary.pending();
        let sent = summary.sent;
        let error = summary.error();
        let cancelled = summary.cancelled;
        tracing::info!(
            total,
            pending,
            sent,
            error,
            cancelled,
            success_hundredths = rate,
            "mail statistics"
        );
        let gauge = |state: &'static str, count: i64| {
            #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
            metrics::gauge!("laureate_jobs", "status" => state).set(count as f64);
        };
        gauge("pending", pending);
        gauge("sent", sent);
        gauge("error", error);
        gauge("cancelled", cancelled);
        Ok(format!(
            "total {total}, pending {pending}, sent {sent}, error {error}, cancelled {cancelled}"
        ))
    }

    async fn mail_warnings(&self) -> anyhow::Result<String> {
        let tables = self.tables.get().await?;
        let summary = jobs::summary(&tables).await?;
        let since: OffsetDateTime = self.commands.now() - time::Duration::HOUR;
        let recent = jobs::recent_outcomes(&tables, since).await?;
        let found = warnings(&summary, &recent, self.settings.warnings);
        for warning in &found {
            metrics::counter!("laureate_mail_warnings_total", "kind" => warning.name())
                .increment(1);
            match warning {
                Warning::ManyPending(count) => {
                    tracing::warn!(
                        count,
                        "many mails pending; check that mailers run and the mail server is reachable"
                    );
                }
                Warning::Failures(count) => {
                    tracing::warn!(
                        count,
                        "mails failed in the last hour; see the errors of their jobs"
                    );
                }
                Warning::LowSuccessRate(percent) => {
                    tracing::warn!(
                        percent,
                        "low mail success rate in the last hour; check mail settings"
                    );
                }
            }
        }
        let names: Vec<_> = found.iter().map(|warning| warning.name()).collect();
        Ok(if names.is_empty() {
            "no warnings".to_owned()
        } else {
            names.join(", ")
        })
    }
}
