//! Task that finds lost work, and lets its worker do it again.
//!
//! The query tables only select aggregates, so it is harmless if they are behind. The log decides:
//! work is lost if the aggregate waits for it, the worker has acknowledged the event, no timer
//! repeats it, and it was not given up.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use time::OffsetDateTime;

use super::failures::Failures;
use super::open_work::{of_batch, of_import, of_issuance, of_mail};
use super::run::SchedulerParts;
use super::tasks::AT_ONCE;
use super::waiting::{Waiting, release_or_set_timer};
use crate::commands::CommandError;
use crate::domain::accounts::notice::Notice;
use crate::domain::certification::batch::Batch;
use crate::domain::certification::import::Import;
use crate::domain::certification::issuance::{Issuance, IssuanceStatus};
use crate::domain::certification::mail::Mail;
use crate::domain::kernel::sending::Stage;
use crate::domain::{Decider, IssuanceId, MailId};
use crate::event_log::{Consistency, EventLog, Position, RecordedEvent};
use crate::projection::queries::stuck::{Acknowledged, StuckRow, stuck};
use crate::workers::dead_letter::is_given_up;
use crate::workers::flow::{
    ImporterInput, Input, MailerInput, NotifierInput, ProcessesInput, RendererInput,
};
use crate::workers::pending::Progress;
use crate::workers::retries::repeat;

/// Maximum number of aggregates of each kind that one run selects from the query tables.
const MOST: i64 = 10_000;
/// Age of the last event of a notice after which the notice is not checked any more.
const OLDEST_NOTICE: time::Duration = time::Duration::days(8);

/// Progress of the workers at the beginning of a run.
struct Workers {
    renderer: Progress,
    importer: Progress,
    processes: Progress,
    mailer: Progress,
    notifier: Progress,
}

/// Aggregate whose work may be lost.
struct Candidate {
    progress: Progress,
    aggregate: &'static str,
    id: String,
}

impl SchedulerParts {
    /// Repeats lost work. Returns a text with the number of repetitions of each worker.
    pub(super) async fn stuck_work(&self) -> anyhow::Result<String> {
        let workers = Workers::of(self.commands.log()).await?;
        let minutes = time::Duration::minutes(self.settings.stuck_after_minutes.into());
        let before = self.commands.now() - minutes;
        let acknowledged = workers.acknowledged()?;
        let found = stuck(&self.tables.get().await?, before, MOST, acknowledged).await?;
        let mut candidates: Vec<_> = found
            .into_iter()
            .filter_map(|row| workers.candidate(row))
            .collect();
        let mut failures = Failures::default();
        match self.notices(&workers, before, &mut failures).await {
            Ok(found) => candidates.extend(found),
            Err(error) => failures.add(error),
        }
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        let mut checked = stream::iter(candidates)
            .map(|candidate| async move {
                let worker = candidate.progress.worker();
                (worker, self.repeat_if_lost(candidate).await)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((worker, outcome)) = checked.next().await {
            match outcome {
                Ok(true) => *counts.entry(worker).or_default() += 1,
                Ok(false) => {}
                Err(error) => failures.add(error),
            }
        }
        let counts: Vec<_> = counts
            .into_iter()
            .map(|(worker, count)| format!("{worker} {count}"))
            .collect();
        failures.result(if counts.is_empty() {
            "nothing was lost".to_owned()
        } else {
            format!("repeated: {}", counts.join(", "))
        })
    }

    /// Repeats the work of an aggregate if it is lost. Returns true if so.
    async fn repeat_if_lost(&self, candidate: Candidate) -> Result<bool, CommandError> {
        let Candidate {
            progress,
            aggregate,
            id,
        } = candidate;
        let worker = progress.worker();
        let log = self.commands.log();
        let events = log.load(aggregate, &id, 0).await?;
        let open = match aggregate {
            Import::AGGREGATE => of_import(&events)?,
            Batch::AGGREGATE => of_batch(&events)?,
            Issuance::AGGREGATE if worker == RendererInput::WORKER => {
                of_issuance(&events, IssuanceStatus::Requested)?
            }
            Issuance::AGGREGATE => self.without_mail(&id, &events).await?,
            Mail::AGGREGATE => of_mail::<Mail>(&events)?,
            _ => of_mail::<Notice>(&events)?,
        };
        let Some(position) = open else {
            return Ok(false);
        };
        if progress.awaits(log, position).await? || is_given_up(log, worker, &id, position).await? {
            return Ok(false);
        }
        repeat(log, worker, position).await?;
        tracing::warn!(worker, id, position, "lost work repeated");
        metrics::counter!("laureate_work_repeated_total", "worker" => worker).increment(1);
        Ok(true)
    }

    /// Returns the position of the event whose reaction queues the first mail of an issuance, if
    /// the issuance has a PDF and no mail.
    async fn without_mail(
        &self,
        id: &str,
        events: &[RecordedEvent],
    ) -> Result<Option<Position>, CommandError> {
        let open = of_issuance(events, IssuanceStatus::Generated)?;
        let (Some(_), Ok(issuance)) = (open, id.parse::<IssuanceId>()) else {
            return Ok(None);
        };
        let mail = MailId::first_of(issuance).to_string();
        let at = Consistency::Leader(None);
        let log = self.commands.log();
        let last = log.last_position(Mail::AGGREGATE, &mail, &at).await?;
        Ok(open.filter(|_| last == 0))
    }

    /// Returns the notices that the notifier should send. Releases waiting notices whose time has
    /// come, and sets the timers of the others. Notices have no query table, so this reads the log.
    async fn notices(
        &self,
        workers: &Workers,
        before: OffsetDateTime,
        failures: &mut Failures,
    ) -> Result<Vec<Candidate>, CommandError> {
        let log = self.commands.log();
        let since = self.commands.now() - OLDEST_NOTICE;
        let now = log.time_of_timers().await?;
        let recent = log.last_events_since(Notice::AGGREGATE, since).await?;
        for error in recent.unreadable {
            failures.add(error.into());
        }
        let mut candidates = Vec::new();
        for event in recent.events {
            let has_ended = matches!(event.event_type.as_str(), "NoticeSent" | "NoticeCancelled");
            if has_ended || event.time >= before {
                continue;
            }
            match self.release_notice(&event.id, now).await {
                Ok(Stage::Queued | Stage::Claimed) => candidates.push(Candidate {
                    progress: workers.notifier,
                    aggregate: Notice::AGGREGATE,
                    id: event.id,
                }),
                Ok(_) => {}
                Err(error) => failures.add(error),
            }
        }
        Ok(candidates)
    }

    /// Releases a notice whose timer should have fired, or sets its timer. Returns the stage that
    /// the notice had before.
    async fn release_notice(&self, id: &str, now: OffsetDateTime) -> Result<Stage, CommandError> {
        let notice = self.commands.load::<Notice>(id).await?;
        if let Some(due_at) = notice.state.due {
            let position = notice.position;
            let waiting = Waiting {
                id,
                position,
                due_at,
            };
            release_or_set_timer::<Notice>(&self.commands, waiting, now).await?;
        }
        Ok(notice.state.stage)
    }
}

impl Workers {
    async fn of(log: &EventLog) -> anyhow::Result<Self> {
        Ok(Self {
            renderer: Progress::of(log, RendererInput::WORKER).await?,
            importer: Progress::of(log, ImporterInput::WORKER).await?,
            processes: Progress::of(log, ProcessesInput::WORKER).await?,
            mailer: Progress::of(log, MailerInput::WORKER).await?,
            notifier: Progress::of(log, NotifierInput::WORKER).await?,
        })
    }

    fn acknowledged(&self) -> anyhow::Result<Acknowledged> {
        Ok(Acknowledged {
            renderer: i64::try_from(self.renderer.events())?,
            importer: i64::try_from(self.importer.events())?,
            processes: i64::try_from(self.processes.events())?,
            mailer: i64::try_from(self.mailer.events())?,
        })
    }

    /// Returns the aggregate of a row and its worker.
    fn candidate(&self, row: StuckRow) -> Option<Candidate> {
        let (progress, aggregate) = match (row.worker.as_str(), row.aggregate.as_str()) {
            (RendererInput::WORKER, Issuance::AGGREGATE) => (self.renderer, Issuance::AGGREGATE),
            (ImporterInput::WORKER, Import::AGGREGATE) => (self.importer, Import::AGGREGATE),
            (ProcessesInput::WORKER, Batch::AGGREGATE) => (self.processes, Batch::AGGREGATE),
            (ProcessesInput::WORKER, Issuance::AGGREGATE) => (self.processes, Issuance::AGGREGATE),
            (MailerInput::WORKER, Mail::AGGREGATE) => (self.mailer, Mail::AGGREGATE),
            _ => return None,
        };
        Some(Candidate {
            progress,
            aggregate,
            id: row.id.to_string(),
        })
    }
}
