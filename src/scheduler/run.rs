//! Loop for each task, and execution of runs that users request.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use deadpool_postgres::Pool;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{Plan, Planned, SchedulerSettings, Task};
use crate::commands::Commands;
use crate::event_log::task_runs::{Begun, Ended, LONGEST, Run, Trigger};
use crate::event_log::{Durable, LogError};
use crate::projection::Readers;
use crate::storage::ObjectStorage;

/// Maximum duration of a sleep. A change of the system clock takes effect after at most this time.
const LOOK_AT_THE_CLOCK: Duration = Duration::from_secs(20);
/// Delay before a requested run is tried again, or unreadable tables are checked again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Maximum number of requested runs that are handled concurrently, as in
/// `nats/consumers/tasks.json`.
const REQUESTS_AT_ONCE: usize = 20;
/// Maximum length of the result text of a run, in characters.
const MAX_RESULT_CHARS: usize = 300;

/// Dependencies of the tasks.
pub struct SchedulerParts {
    /// Executor of commands. The scheduler uses its clock.
    pub commands: Commands,
    /// Query tables: connections with the projections' schemas in their search path.
    pub tables: Pool,
    /// Positions of the query tables in the log.
    pub readers: Readers,
    /// Database connections with any search path.
    pub database: Pool,
    /// Namespace.
    pub namespace: String,
    /// Object storage.
    pub storage: ObjectStorage,
    /// Settings of the scheduler.
    pub settings: SchedulerSettings,
}

/// Scheduler of the tasks.
pub struct Scheduler {
    parts: Arc<SchedulerParts>,
    plan: Plan,
}

impl Scheduler {
    /// Creates a scheduler that follows `plan`.
    #[must_use]
    pub fn new(parts: SchedulerParts, plan: Plan) -> Self {
        Self {
            parts: Arc::new(parts),
            plan,
        }
    }

    /// Runs until `shutdown` is cancelled. It then completes the runs that have begun.
    ///
    /// # Errors
    /// The namespace is not provisioned.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), LogError> {
        let tasks = TaskTracker::new();
        for planned in self.plan.tasks {
            tasks.spawn(follow(self.parts.clone(), planned, shutdown.clone()));
        }
        let outcome = take_requests(&self.parts, &shutdown).await;
        tasks.close();
        tasks.wait().await;
        outcome
    }
}

/// Runs one task at its planned times.
async fn follow(parts: Arc<SchedulerParts>, planned: Planned, shutdown: CancellationToken) {
    if planned.enabled && planned.task == Task::DueMails {
        // On a new installation, the tables don't exist yet. No mail can be due before the first
        // event.
        let tables = parts.readers.of(&["jobs"]);
        let made = async {
            while tables.wait_for(1, LOOK_AT_THE_CLOCK).await.is_err() {
                // The wait ends at once if the projection has stopped.
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        };
        if shutdown.run_until_cancelled(made).await.is_none() {
            return;
        }
        // Timers may have been lost while no scheduler ran.
        attempt(&parts, planned.task, Uuid::new_v4(), Trigger::Start, None).await;
    }
    while let Some(due) = planned.next_after(parts.commands.now()) {
        if until(&parts, due, &shutdown).await.is_none() {
            return;
        }
        attempt(
            &parts,
            planned.task,
            Uuid::new_v4(),
            Trigger::Cron,
            Some(due),
        )
        .await;
    }
    shutdown.cancelled().await;
}

/// Waits until the time `due`. Returns `None` on shutdown.
async fn until(
    parts: &SchedulerParts,
    due: OffsetDateTime,
    shutdown: &CancellationToken,
) -> Option<()> {
    loop {
        let rest = due - parts.commands.now();
        if !rest.is_positive() {
            return Some(());
        }
        let rest = rest.unsigned_abs().min(LOOK_AT_THE_CLOCK);
        shutdown
            .run_until_cancelled(tokio::time::sleep(rest))
            .await?;
    }
}

/// Begins and executes a run, unless another process has begun it. Returns true if this process
/// executed the run.
async fn attempt(
    parts: &SchedulerParts,
    task: Task,
    id: Uuid,
    trigger: Trigger,
    due: Option<OffsetDateTime>,
) -> bool {
    let Some(Begun::Run(run)) = begin(parts, task, id, trigger, due).await else {
        return false;
    };
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
    let log = parts.commands.log();
    let now = parts.commands.now();
    match log.begin_run(id, task.name(), trigger, due, now).await {
        Ok(begun) => Some(begun),
        Err(error) => {
            tracing::warn!(task = task.name(), %error, "task run not started");
            None
        }
    }
}

async fn carry_out(parts: &SchedulerParts, task: Task, mut run: Run) {
    let worked = tokio::time::timeout(LONGEST, parts.carry_out(task)).await;
    let (succeeded, result) = match worked {
        Ok(Ok(result)) => (true, result),
        Ok(Err(error)) => (false, format!("{error:#}")),
        Err(_) => (false, "it was stopped after the time limit".to_owned()),
    };
    let result: String = result
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_RESULT_CHARS)
        .collect();
    let outcome = if succeeded { "done" } else { "failed" };
    metrics::counter!("laureate_task_runs_total", "task" => task.name(), "outcome" => outcome)
        .increment(1);
    if succeeded {
        tracing::info!(task = task.name(), run_id = %run.id, result, "task done");
    } else {
        tracing::warn!(task = task.name(), run_id = %run.id, result, "task failed, next run as planned");
    }
    run.ended = Some(Ended {
        at: parts.commands.now(),
        succeeded,
        result,
    });
    if let Err(error) = parts.commands.log().end_run(&run).await {
        tracing::warn!(task = task.name(), %error, "end of task run not recorded");
    }
}

/// Executes requested runs; see [`crate::event_log::EventLog::fire_timer`].
async fn take_requests(
    parts: &Arc<SchedulerParts>,
    shutdown: &CancellationToken,
) -> Result<(), LogError> {
    let durable = Durable {
        stream: "TIMERS",
        name: "tasks",
    };
    let handle = |message: Message| {
        let parts = parts.clone();
        // If the acknowledgement is lost, the redelivery finds the run of the first delivery.
        async move { take(&parts, message.subject.as_str(), &message.payload).await }
    };
    parts
        .commands
        .log()
        .handle_messages(durable, REQUESTS_AT_ONCE, shutdown, handle)
        .await
}

async fn take(parts: &SchedulerParts, subject: &str, body: &[u8]) -> AckKind {
    let name = parts
        .commands
        .log()
        .names()
        .parse_due(subject)
        .and_then(|name| name.strip_prefix("task."));
    let id = std::str::from_utf8(body)
        .ok()
        .and_then(|text| Uuid::parse_str(text).ok());
    let (Some(task), Some(id)) = (name.and_then(Task::named), id) else {
        tracing::error!("invalid task request skipped");
        return AckKind::Term;
    };
    match parts.commands.log().runs().await {
        Ok(runs) if runs.iter().any(|run| run.id == id) => return AckKind::Ack,
        Ok(_) => {}
        Err(_) => return AckKind::Nak(Some(AGAIN_AFTER)),
    }
    let has_run = attempt(parts, task, id, Trigger::Forced, None).await;
    // The request is redelivered until the current run of the task has ended.
    if has_run {
        AckKind::Ack
    } else {
        AckKind::Nak(Some(AGAIN_AFTER))
    }
}
