//! The loop of each task, and runs that somebody asked for.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::{PullConsumer, pull};
use deadpool_postgres::Pool;
use futures_util::StreamExt;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{Plan, Planned, SchedulerSettings, Task};
use crate::commands::Commands;
use crate::event_log::LogError;
use crate::event_log::task_runs::{Begun, Ended, LONGEST, Run, Trigger};
use crate::projection::Readers;
use crate::storage::ObjectStorage;

/// The longest sleep: a clock that is set is noticed after it.
const LOOK_AT_THE_CLOCK: Duration = Duration::from_secs(20);
/// How long to wait before something that was not there is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// The longest text about a run.
const MOST_TOLD: usize = 300;

/// What tasks work on.
pub struct SchedulerParts {
    /// The way to change anything; its clock is ours.
    pub commands: Commands,
    /// The query tables, the projections' schemas in the search path.
    pub tables: Pool,
    /// How far they are.
    pub readers: Readers,
    /// The database, whatever its search path.
    pub database: Pool,
    /// The namespace.
    pub namespace: String,
    /// Files.
    pub storage: ObjectStorage,
    /// What the operator set.
    pub settings: SchedulerSettings,
}

/// Runs tasks.
pub struct Scheduler {
    parts: Arc<SchedulerParts>,
    plan: Plan,
}

impl Scheduler {
    /// One with a plan.
    #[must_use]
    pub fn new(parts: SchedulerParts, plan: Plan) -> Self {
        Self { parts: Arc::new(parts), plan }
    }

    /// Runs until `shutdown`, and lets what has begun come to its end.
    ///
    /// # Errors
    /// The namespace was not provisioned.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), LogError> {
        let tasks = TaskTracker::new();
        for planned in self.plan.tasks {
            tasks.spawn(follow(self.parts.clone(), planned, shutdown.clone()));
        }
        let outcome = take_requests(&self.parts, &tasks, &shutdown).await;
        tasks.close();
        tasks.wait().await;
        outcome
    }
}

/// Follows the plan of one task.
async fn follow(parts: Arc<SchedulerParts>, planned: Planned, shutdown: CancellationToken) {
    if planned.enabled && planned.task == Task::DueMails {
        // On a new installation the tables are just being made; before the first event nothing is due.
        let made = async { while parts.readers.wait_for(1, LOOK_AT_THE_CLOCK).await.is_err() {} };
        if shutdown.run_until_cancelled(made).await.is_none() {
            return;
        }
        // Timers may have been lost while nobody looked.
        attempt(&parts, planned.task, Uuid::new_v4(), Trigger::Start, None).await;
    }
    while let Some(due) = planned.next_after(parts.commands.now()) {
        if until(&parts, due, &shutdown).await.is_none() {
            return;
        }
        attempt(&parts, planned.task, Uuid::new_v4(), Trigger::Cron, Some(due)).await;
    }
    shutdown.cancelled().await;
}

/// Waits for a time; `None` if the process stops before.
async fn until(parts: &SchedulerParts, due: OffsetDateTime, shutdown: &CancellationToken) -> Option<()> {
    loop {
        let rest = due - parts.commands.now();
        if !rest.is_positive() {
            return Some(());
        }
        let rest = rest.unsigned_abs().min(LOOK_AT_THE_CLOCK);
        shutdown.run_until_cancelled(tokio::time::sleep(rest)).await?;
    }
}

/// Begins a run and carries it out, unless somebody else does. Tells whether there was a run.
async fn attempt(
    parts: &SchedulerParts,
    task: Task,
    id: Uuid,
    trigger: Trigger,
    due: Option<OffsetDateTime>,
) -> bool {
    let Some(Begun::Run(run)) = begin(parts, task, id, trigger, due).await else { return false };
    carry_out(parts, task, run).await;
    true
}

async fn begin(
    parts: &SchedulerParts,
    task: Task,
    id: Uuid,
    trigger: Trigger,
    due: Option<OffsetDateTime>,
) -> Option<Begun> {
    let (log, now) = (parts.commands.log(), parts.commands.now());
    match log.begin_run(id, task.name(), trigger, due, now).await {
        Ok(begun) => Some(begun),
        Err(error) => {
            tracing::warn!(task = task.name(), %error, "a run could not be begun");
            None
        }
    }
}

async fn carry_out(parts: &SchedulerParts, task: Task, mut run: Run) {
    let worked = tokio::time::timeout(LONGEST, parts.carry_out(task)).await;
    let (succeeded, told) = match worked {
        Ok(Ok(told)) => (true, told),
        Ok(Err(error)) => (false, format!("{error:#}")),
        Err(_) => (false, "it took too long and was stopped".to_owned()),
    };
    let told: String = told.chars().filter(|c| !c.is_control()).take(MOST_TOLD).collect();
    let outcome = if succeeded { "done" } else { "failed" };
    metrics::counter!("laureate_task_runs_total", "task" => task.name(), "outcome" => outcome).increment(1);
    if succeeded {
        tracing::info!(task = task.name(), run_id = %run.id, told, "a task ran");
    } else {
        tracing::warn!(task = task.name(), run_id = %run.id, told, "a task failed; it runs again at its time");
    }
    run.ended = Some(Ended { at: parts.commands.now(), succeeded, told });
    if let Err(error) = parts.commands.log().end_run(&run).await {
        tracing::warn!(task = task.name(), %error, "the end of a run could not be noted");
    }
}

/// Runs what somebody asked for; see [`crate::event_log::EventLog::fire_timer`].
async fn take_requests(
    parts: &Arc<SchedulerParts>,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<(), LogError> {
    while !shutdown.is_cancelled() {
        match open(parts).await {
            Ok(mut messages) => {
                while let Some(Some(Ok(message))) = shutdown.run_until_cancelled(messages.next()).await {
                    let parts = parts.clone();
                    tasks.spawn(async move {
                        let kind = take(&parts, message.subject.as_str(), &message.payload).await;
                        // Lost, the request comes again and finds its own run.
                        let _ = message.ack_with(kind).await;
                    });
                }
            }
            Err(error @ LogError::NotProvisioned) => return Err(error),
            Err(error) => tracing::warn!(%error, "requests for tasks are not available; trying again"),
        }
        shutdown.run_until_cancelled(tokio::time::sleep(AGAIN_AFTER)).await;
    }
    Ok(())
}

async fn open(parts: &SchedulerParts) -> Result<pull::Stream, LogError> {
    let log = parts.commands.log();
    let stream = log.context().get_stream(log.names().timers()).await?;
    let unavailable = |error: &dyn std::fmt::Display| LogError::Unavailable(error.to_string());
    let consumer: PullConsumer = stream.get_consumer("tasks").await.map_err(|e| unavailable(&e))?;
    consumer.messages().await.map_err(|e| unavailable(&e))
}

async fn take(parts: &SchedulerParts, subject: &str, body: &[u8]) -> AckKind {
    let name = parts.commands.log().names().parse_due(subject).and_then(|name| name.strip_prefix("task."));
    let id = std::str::from_utf8(body).ok().and_then(|text| Uuid::parse_str(text).ok());
    let (Some(task), Some(id)) = (name.and_then(Task::named), id) else {
        tracing::error!("a request for a task that there is not; passed over");
        return AckKind::Term;
    };
    match parts.commands.log().runs().await {
        Ok(runs) if runs.iter().any(|run| run.id == id) => return AckKind::Ack,
        Ok(_) => {}
        Err(_) => return AckKind::Nak(Some(AGAIN_AFTER)),
    }
    let has_run = attempt(parts, task, id, Trigger::Forced, None).await;
    // Else after the run that is under way.
    if has_run { AckKind::Ack } else { AckKind::Nak(Some(AGAIN_AFTER)) }
}
