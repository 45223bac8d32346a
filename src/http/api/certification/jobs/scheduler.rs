//! Endpoints about scheduled tasks.

use std::time::Duration;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::event_log::task_runs::{Run, Trigger};
use crate::http::protocol::answer::{Envelope, ListEnvelope, ListMeta};
use crate::http::protocol::extract::{Given, Json, Path, limit};
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::protocol::names::{
    RUN_OUTCOME, RUN_TRIGGER, RunOutcomeName, RunTriggerName, TASK, TaskName,
};
use crate::http::protocol::openapi::filters;
use crate::http::protocol::timestamp::Timestamp;
use crate::http::protocol::waiting::Patience;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::filters::{Filter, Value};
use crate::projection::queries::jobs;
use crate::scheduler::Task;

/// State of the scheduler and its tasks.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "isProcessing": false, "nextExecutionIn": 180_000, "timeZone": "UTC",
    "tasks": [{
        "name": "due_mails", "description": "releases scheduled mails whose timer was lost, and sets lost timers again",
        "cron": "*/5 * * * *", "enabled": true, "nextRunAt": "2026-11-21T12:10:00Z", "running": false, "lastRun": null
    }]
}))]
pub struct SchedulerStatus {
    /// True while mails are being sent: a job is `queued` or `claimed`. Held and scheduled mails, and
    /// mails that wait for another attempt, do not count.
    is_processing: bool,
    /// Milliseconds until the next scheduled or retrying mail is due. 0 if a mail is due now, null
    /// if no mail waits for a time.
    next_execution_in: Option<i64>,
    /// Time zone of the cron expressions.
    time_zone: String,
    /// All tasks, with the configuration that this server has.
    tasks: Vec<TaskStatus>,
}

/// One scheduled task.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskStatus {
    /// Name of the task.
    #[schema(value_type = TaskName)]
    name: &'static str,
    /// Description of the task.
    description: &'static str,
    /// Cron expression of its planned runs.
    #[schema(example = "*/5 * * * *")]
    cron: String,
    /// True if the task runs at the times of its cron expression.
    enabled: bool,
    /// Time of the next planned run (RFC 3339). Null if no run is planned.
    next_run_at: Option<Timestamp>,
    /// True while the task is running.
    running: bool,
    /// Last run of the task.
    last_run: Option<RunAnswer>,
}

/// Returns the state of the scheduler and its tasks.
#[utoipa::path(
    get, path = "/jobs/scheduler/status",
    responses((status = 200, description = "The status", body = Envelope<SchedulerStatus>))
)]
pub async fn get_scheduler_status(State(http): State<HttpState>) -> Result<Answer, ApiError> {
    let now = http.now();
    let database = http.database().await?;
    let due = jobs::next_due(&database).await?;
    let is_processing = jobs::are_being_sent(&database).await?;
    let runs = http.commands.log().runs().await?;
    let tasks: Vec<_> = http
        .plan
        .tasks
        .iter()
        .map(|planned| {
            let last = runs.iter().find(|run| run.task == planned.task.name());
            TaskStatus {
                name: planned.task.name(),
                description: planned.task.about(),
                cron: planned.expression.clone(),
                enabled: planned.enabled,
                next_run_at: planned.next_after(now).map(Timestamp),
                running: last.is_some_and(|run| run.is_under_way(now)),
                last_run: last.map(|run| RunAnswer::of(&http, run.clone())),
            }
        })
        .collect();
    Answer::ok(&SchedulerStatus {
        is_processing,
        next_execution_in: due.map(|due| milliseconds_until(due, now)),
        time_zone: http.plan.time_zone.clone(),
        tasks,
    })
}

fn milliseconds_until(due: OffsetDateTime, now: OffsetDateTime) -> i64 {
    i64::try_from((due - now).whole_milliseconds())
        .unwrap_or(i64::MAX)
        .max(0)
}

/// Runs to list. A run is created when it starts.
pub struct RunsQuery {
    values: Vec<(Filter, Value)>,
    limit: u32,
}

const FILTERS: [Filter; 3] = [
    Filter::names("task", TASK, "Only runs of these tasks.", ""),
    Filter::names("trigger", RUN_TRIGGER, "Only runs with these triggers.", ""),
    Filter::names("outcome", RUN_OUTCOME, "Only runs with these outcomes.", ""),
];

fn run_filters() -> impl Iterator<Item = Filter> {
    FILTERS.into_iter().chain(Filter::created("", None))
}

impl FromRequestParts<HttpState> for RunsQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &HttpState) -> Result<Self, ApiError> {
        let mut given = Given::of_query(parts.uri.query().unwrap_or_default());
        let limit = limit(&mut given)?;
        let values = given.values(run_filters())?;
        given.end()?;
        Ok(Self { values, limit })
    }
}

impl IntoParams for RunsQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let limit = filters::limit_parameter();
        filters::filter_parameters(run_filters())
            .chain([limit])
            .collect()
    }
}

impl RunsQuery {
    fn admits(&self, run: &RunAnswer) -> bool {
        self.values.iter().all(|(filter, value)| match value {
            Value::Texts(names) => {
                let name = match filter.name {
                    "task" => &run.task,
                    "trigger" => run.trigger,
                    _ => run.outcome,
                };
                names.iter().any(|given| given == name)
            }
            Value::Time(limit) => run.started_at.is_some_and(|start| limit.admits(start.0)),
            _ => true,
        })
    }
}

/// One run of a scheduled task.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "3f6c1c1e-58a4-4c02-9d1b-0f3a55b7c5a1", "task": "due_mails", "trigger": "cron", "outcome": "done",
    "startedAt": "2026-11-21T12:05:00Z", "endedAt": "2026-11-21T12:05:00.012Z", "durationMs": 12,
    "result": "0 mails released, 3 timers set"
}))]
pub struct RunAnswer {
    /// Id of the run.
    pub id: Uuid,
    /// Name of the task.
    #[schema(value_type = TaskName)]
    pub task: String,
    /// Trigger of the run: `cron`, `forced` by a request, or `start` of a scheduler.
    #[schema(value_type = RunTriggerName)]
    pub trigger: &'static str,
    /// `waiting` before its start, `running`, `done`, `failed`, or `interrupted` if its process
    /// stopped before the run ended.
    #[schema(value_type = RunOutcomeName)]
    pub outcome: &'static str,
    /// Start of the run (RFC 3339). Null while it is `waiting`.
    pub started_at: Option<Timestamp>,
    /// End of the run (RFC 3339).
    pub ended_at: Option<Timestamp>,
    /// Duration, in milliseconds.
    pub duration_ms: Option<i64>,
    /// Result of the run, or the reason for its failure.
    pub result: Option<String>,
}

impl RunAnswer {
    /// Returns a requested run that has not ended.
    fn waiting(id: Uuid, task: Task) -> Self {
        Self {
            id,
            task: task.name().to_owned(),
            trigger: "forced",
            outcome: "waiting",
            started_at: None,
            ended_at: None,
            duration_ms: None,
            result: None,
        }
    }

    pub(super) fn of(http: &HttpState, run: Run) -> Self {
        let outcome = match &run.ended {
            Some(ended) if ended.succeeded => "done",
            Some(_) => "failed",
            None if run.is_under_way(http.now()) => "running",
            None => "interrupted",
        };
        let trigger = match run.trigger {
            Trigger::Cron => "cron",
            Trigger::Forced => "forced",
            Trigger::Start => "start",
        };
        let took = run
            .ended
            .as_ref()
            .map(|ended| (ended.at - run.started).whole_milliseconds());
        Self {
            id: run.id,
            task: run.task,
            trigger,
            outcome,
            started_at: Some(Timestamp(run.started)),
            ended_at: run.ended.as_ref().map(|ended| Timestamp(ended.at)),
            duration_ms: took.and_then(|took| i64::try_from(took).ok()),
            result: run.ended.map(|ended| ended.result),
        }
    }
}

/// Lists runs of scheduled tasks. The newest run comes first.
///
/// About the last 100 runs of each task are stored. A run is created when it starts.
#[utoipa::path(
    get, path = "/jobs/scheduler/runs", params(RunsQuery),
    responses(
        (status = 200, description = "The runs; there is one page", body = ListEnvelope<RunAnswer>),
    )
)]
pub async fn list_scheduler_runs(
    State(http): State<HttpState>,
    query: RunsQuery,
) -> Result<Answer, ApiError> {
    let runs = http.commands.log().runs().await?;
    let shown: Vec<_> = runs
        .into_iter()
        .map(|run| RunAnswer::of(&http, run))
        .filter(|run| query.admits(run))
        .take(query.limit as usize)
        .collect();
    Answer::list(&shown, &ListMeta::of_whole(query.limit))
}

/// Returns the task with this name.
///
/// # Errors
/// 400 if the name is unknown.
pub(super) fn named(name: &str) -> Result<Task, ApiError> {
    let known = || Task::ALL.map(Task::name).join(", ");
    Task::named(name)
        .ok_or_else(|| ApiError::wrong_type("task", format!("give one of {}", known())))
}

/// Returns one run of a scheduled task.
#[utoipa::path(
    get, path = "/jobs/scheduler/runs/{id}",
    responses(
        (status = 200, description = "The run", body = Envelope<RunAnswer>),
        (status = 404, description = "NOT_FOUND: the run has not started yet, or is no longer stored"),
    )
)]
pub async fn get_scheduler_run(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let runs = http.commands.log().runs().await?;
    let run = runs
        .into_iter()
        .find(|run| run.id == id)
        .ok_or_else(|| ApiError::not_found("run"))?;
    Ok(Answer::ok(&RunAnswer::of(&http, run))?.version_of_body())
}

/// Longest time that the request waits for the end of the run. It waits at most half of the request
/// timeout if that is shorter.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Task to run.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "task": "due_mails" }))]
pub struct ForceRequest {
    /// Name of the task. The default is `due_mails`, which releases scheduled mails that are due.
    #[schema(value_type = Option<TaskName>)]
    task: Option<String>,
}

/// Runs a scheduled task now, even if it is disabled.
///
/// A process with the role `scheduler` runs the task. If the task is already running, the new run
/// follows. The request waits at most 10 seconds until the run ends.
#[utoipa::path(
    post, path = "/jobs/scheduler/force", request_body = Option<ForceRequest>,
    params(Repeatable),
    responses(
        (status = 200, description = "The run has ended", body = Envelope<RunAnswer>),
        (status = 202, description = "The run is waiting or in progress; see `Location`", body = Envelope<RunAnswer>),
    )
)]
pub async fn run_scheduled_task(
    State(http): State<HttpState>,
    write: Repeatable,
    patience: Patience,
    body: Option<Json<ForceRequest>>,
) -> Result<Answer, ApiError> {
    let Json { value, sha256 } = body.unwrap_or_default();
    write.once(&http, sha256, async |context| {
        let task = value.task.as_deref().map_or(Ok(Task::DueMails), named)?;
        let run_id = created_by(context.command_id, "run");
        let log = http.commands.log();
        log.fire_timer(&format!("task.{}", task.name()), Bytes::from(run_id.to_string())).await?;
        tracing::info!(task = task.name(), %run_id, user_id = %write.caller.user_id, "task run requested");
        let run = ended(&http, &patience, run_id).await;
        let run = run.unwrap_or_else(|| RunAnswer::waiting(run_id, task));
        let answer = Answer::ok(&run)?;
        if run.ended_at.is_some() {
            return Ok(answer.message("it has run"));
        }
        let location = http.api_path(&format!("/jobs/scheduler/runs/{run_id}"));
        Ok(answer.accepted(location).message("it will run when a scheduler process starts it; see Location"))
    })
    .await
}

/// Waits at most [`MAX_WAIT`] for the end of a run. Returns `None` if it has not started, or if the
/// request does not wait.
async fn ended(http: &HttpState, patience: &Patience, id: Uuid) -> Option<RunAnswer> {
    let look = || async move {
        let runs = http.commands.log().runs().await?;
        let run = runs.into_iter().find(|run| run.id == id);
        let is_over = run.as_ref().is_some_and(|run| run.ended.is_some());
        Ok((is_over, run.map(|run| RunAnswer::of(http, run))))
    };
    patience.look_until(http, MAX_WAIT, look).await.flatten()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn time_until_an_overdue_run_is_zero() {
        let now = datetime!(2026-11-21 12:00 UTC);
        assert_eq!(
            milliseconds_until(datetime!(2026-11-21 12:00:01.25 UTC), now),
            1_250
        );
        assert_eq!(milliseconds_until(datetime!(2026-11-21 11:00 UTC), now), 0);
    }
}
