//! `POST /jobs/scheduler/force`

use std::time::Duration;

use axum::extract::State;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::scheduler_runs::{RunAnswer, named};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::{Answer, ApiError, HttpState};
use crate::scheduler::Task;

/// Longest time to wait for the end of the run; half of the request timeout if that is shorter.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Task to run.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "task": "due_mails" }))]
pub struct ForceRequest {
    /// Name of the task; `due_mails` if absent, which releases scheduled mails that are due.
    #[serde(default)]
    task: Option<String>,
}

/// A requested run.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "runId": "3f6c1c1e-58a4-4c02-9d1b-0f3a55b7c5a1", "task": "due_mails", "run": null }))]
pub struct Forced {
    /// Id of the run.
    run_id: Uuid,
    /// Name of the task.
    task: &'static str,
    /// The run, if it has ended.
    run: Option<RunAnswer>,
}

/// Runs a scheduled task now, even if it is disabled.
///
/// A process with the role `scheduler` runs it, after any current run of the same task. The request waits at most 10
/// seconds for its end.
#[utoipa::path(
    post, path = "/jobs/scheduler/force", request_body = Option<ForceRequest>,
    params(Repeatable),
    responses(
        (status = 200, description = "The run has ended", body = Envelope<Forced>),
        (status = 202, description = "The run is waiting or in progress; see `Location`", body = Envelope<Forced>),
        (status = 400, description = "VALIDATION_ERROR: no such task", body = ErrorEnvelope),
    )
)]
pub async fn run_scheduled_task(
    State(http): State<HttpState>,
    write: Repeatable,
    body: Option<Json<ForceRequest>>,
) -> Result<Answer, ApiError> {
    let Json { value, sha256 } = body.unwrap_or_default();
    write.once(&http, sha256, async |command_id| {
        let task = value.task.as_deref().map_or(Ok(Task::DueMails), named)?;
        let run_id = created_by(command_id, "run");
        let log = http.commands.log();
        log.fire_timer(&format!("task.{}", task.name()), Bytes::from(run_id.to_string())).await?;
        tracing::info!(task = task.name(), %run_id, user_id = %write.caller.user_id, "task run requested");
        let run = ended(&http, run_id).await?;
        let is_over = run.is_some();
        let answer = Answer::ok(&Forced { run_id, task: task.name(), run })?;
        if is_over {
            return Ok(answer.message("it has run"));
        }
        let location = http.api_path(&format!("/jobs/scheduler/runs/{run_id}"));
        Ok(answer.accepted(location).message("it will run as soon as a scheduler takes it; see Location"))
    })
    .await
}

/// Waits at most [`MAX_WAIT`] for the end of a run. Returns `None` if it has not ended.
async fn ended(http: &HttpState, id: Uuid) -> Result<Option<RunAnswer>, ApiError> {
    let look = || async move {
        let runs = http.commands.log().runs().await?;
        let run = runs.into_iter().find(|run| run.id == id && run.ended.is_some());
        Ok((run.is_some(), run.map(|run| RunAnswer::of(http, run))))
    };
    http.look_until(MAX_WAIT, look).await
}
