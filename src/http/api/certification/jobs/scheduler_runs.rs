//! `GET /jobs/scheduler/runs`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::event_log::task_runs::{Run, Trigger};
use crate::http::protocol::answer::{ListEnvelope, ListMeta};
use crate::http::protocol::extract::Query;
use crate::http::protocol::rfc3339;
use crate::http::{Answer, ApiError, HttpState};
use crate::scheduler::Task;

/// Query parameters of the list of runs.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunsQuery {
    /// Only runs of this task, such as `due_mails`.
    task: Option<String>,
    /// Maximum number of runs, 1–200; 50 if absent.
    limit: Option<u32>,
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
    pub task: String,
    /// Trigger of the run: `cron`, `forced` by a request, or `start` of a scheduler.
    pub trigger: &'static str,
    /// `running`, `done`, `failed`, or `interrupted`: its process stopped before it ended.
    pub outcome: &'static str,
    /// Time at which it started (RFC 3339).
    pub started_at: String,
    /// Time at which it ended (RFC 3339).
    pub ended_at: Option<String>,
    /// Duration, in milliseconds.
    pub duration_ms: Option<i64>,
    /// Result, or the reason of the failure.
    pub result: Option<String>,
}

impl RunAnswer {
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
        let took = run.ended.as_ref().map(|ended| (ended.at - run.started).whole_milliseconds());
        Self {
            id: run.id,
            task: run.task,
            trigger,
            outcome,
            started_at: rfc3339(run.started),
            ended_at: run.ended.as_ref().map(|ended| rfc3339(ended.at)),
            duration_ms: took.and_then(|took| i64::try_from(took).ok()),
            result: run.ended.map(|ended| ended.told),
        }
    }
}

/// Lists runs of scheduled tasks, newest first.
///
/// About the last 100 runs of each task are stored.
#[utoipa::path(
    get, path = "/jobs/scheduler/runs", params(RunsQuery),
    responses(
        (status = 200, description = "The runs; there is one page", body = ListEnvelope<RunAnswer>),
        (status = 400, description = "VALIDATION_ERROR: no such task, or a limit out of range", body = crate::http::protocol::api_error::ErrorEnvelope),
    )
)]
pub async fn list_scheduler_runs(
    State(http): State<HttpState>,
    Query(query): Query<RunsQuery>,
) -> Result<Answer, ApiError> {
    let limit = query.limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(ApiError::field("limit", "give 1 to 200"));
    }
    let task = query.task.as_deref().map(named).transpose()?;
    let runs = http.commands.log().runs().await?;
    let wanted = runs.into_iter().filter(|run| task.is_none_or(|task| run.task == task.name()));
    let shown: Vec<_> = wanted.take(limit as usize).map(|run| RunAnswer::of(&http, run)).collect();
    Answer::list(&shown, &ListMeta { next_cursor: None, limit, page: None, total: None })
}

/// Returns the task with this name.
///
/// # Errors
/// 400 if the name is unknown.
pub(super) fn named(name: &str) -> Result<Task, ApiError> {
    let known = || Task::ALL.map(Task::name).join(", ");
    Task::named(name).ok_or_else(|| ApiError::field("task", format!("give one of {}", known())))
}
