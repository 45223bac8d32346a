//! `POST /jobs/scheduler/force`

use std::time::Duration;

use axum::extract::State;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::scheduler_runs::{RunAnswer, named};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{IdempotencyKey, Json};
use crate::http::idempotency::{Request, created_by, once};
use crate::http::{Answer, ApiError, Caller, HttpState};
use crate::scheduler::Task;

/// How long the end of the run is waited for, or half of what a request may take.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Which task is to run.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "task": "due_mails" }))]
pub struct ForceRequest {
    /// Its name; `due_mails` if absent, which lets scheduled mails go whose time has come.
    #[serde(default)]
    task: Option<String>,
}

/// A run that was asked for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "runId": "3f6c1c1e-58a4-4c02-9d1b-0f3a55b7c5a1", "task": "due_mails", "run": null }))]
pub struct Forced {
    /// The run's id.
    run_id: Uuid,
    /// The task.
    task: &'static str,
    /// The run, if it has ended.
    run: Option<RunAnswer>,
}

/// Run a scheduled task now, also one that is switched off.
///
/// A process with the role scheduler runs it, after a run of the same task that is under way. Its end is
/// waited for, ten seconds at the most.
#[utoipa::path(
    post, path = "/jobs/scheduler/force", request_body = Option<ForceRequest>,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless")),
    responses(
        (status = 200, description = "It has run", body = Envelope<Forced>),
        (status = 202, description = "It will run, or is running; see Location", body = Envelope<Forced>),
        (status = 400, description = "VALIDATION_ERROR: no such task", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    body: Option<Json<ForceRequest>>,
) -> Result<Answer, ApiError> {
    let Json { value, sha256 } = body.unwrap_or_default();
    let route = "POST /jobs/scheduler/force";
    let request = Request { caller: &caller, route, key, body_sha256: sha256, keep_answer: true };
    once(&http, request, async |command_id| {
        let task = value.task.as_deref().map_or(Ok(Task::DueMails), named)?;
        let run_id = created_by(command_id, "run");
        let log = http.commands.log();
        log.fire_timer(&format!("task.{}", task.name()), Bytes::from(run_id.to_string())).await?;
        tracing::info!(task = task.name(), %run_id, user_id = %caller.user_id, "somebody asked for a task");
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

/// The run, once it has ended; nothing if that takes too long.
async fn ended(http: &HttpState, id: Uuid) -> Result<Option<RunAnswer>, ApiError> {
    let look = || async move {
        let runs = http.commands.log().runs().await?;
        let run = runs.into_iter().find(|run| run.id == id && run.ended.is_some());
        Ok((run.is_some(), run.map(|run| RunAnswer::of(http, run))))
    };
    http.look_until(MAX_WAIT, look).await
}
