//! `GET /jobs/{id}`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::JobAnswer;
use super::history::{Attempt, attempts};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs;

/// A job with its attempts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobDetail {
    /// Data of the job.
    #[serde(flatten)]
    job: JobAnswer,
    /// The last 100 attempts, oldest first.
    history: Vec<Attempt>,
}

/// Returns one job with its attempts.
#[utoipa::path(
    get, path = "/jobs/{id}", params(
        ("id" = Uuid, Path, description = "The job's id"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the version that you have"),
    ),
    responses(
        (status = 200, description = "The job", body = Envelope<JobDetail>),
        (status = 304, description = "`If-None-Match` matches the current version"),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_job(State(http): State<HttpState>, Path(id): Path<Uuid>) -> Result<Answer, ApiError> {
    let row = jobs::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("job"))?;
    let version = position(row.position)?;
    // The log may be ahead of the row, so newer events are dropped: both must show the same version.
    let mut events = http.commands.log().load("email", &id.to_string(), 0).await?;
    events.retain(|event| event.position <= version);
    let detail = JobDetail { job: JobAnswer::from(row), history: attempts(&events)? };
    Ok(Answer::ok(&detail)?.version(version))
}
