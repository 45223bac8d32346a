//! `GET /jobs/scheduler/runs/{id}`

use axum::extract::State;
use uuid::Uuid;

use super::scheduler_runs::RunAnswer;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::{Answer, ApiError, HttpState};

/// Returns one run of a scheduled task.
#[utoipa::path(
    get, path = "/jobs/scheduler/runs/{id}", params(("id" = Uuid, Path, description = "The run's id")),
    responses(
        (status = 200, description = "The run", body = Envelope<RunAnswer>),
        (status = 404, description = "NOT_FOUND: the run has not started yet, or is no longer stored", body = ErrorEnvelope),
    )
)]
pub async fn get_scheduler_run(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let runs = http.commands.log().runs().await?;
    let run = runs.into_iter().find(|run| run.id == id).ok_or_else(|| ApiError::not_found("run"))?;
    Answer::ok(&RunAnswer::of(&http, run))
}
