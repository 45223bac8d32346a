//! `GET /jobs/{id}`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::JobAnswer;
use super::history::{Attempt, attempts};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::position;
use crate::http::extract::Path;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs;

/// One job, with what became of each try.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobDetail {
    /// The job.
    #[serde(flatten)]
    job: JobAnswer,
    /// Its tries, oldest first; the last hundred.
    history: Vec<Attempt>,
}

/// One job and its tries.
#[utoipa::path(
    get, path = "/jobs/{id}", params(
        ("id" = Uuid, Path, description = "The job's id"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag that you know"),
    ),
    responses(
        (status = 200, description = "The job", body = Envelope<JobDetail>),
        (status = 304, description = "`If-None-Match` names the present version"),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn handle(State(http): State<HttpState>, Path(id): Path<Uuid>) -> Result<Answer, ApiError> {
    let row = jobs::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("job"))?;
    let version = position(row.position)?;
    // The log may be further than the row; the answer shows both as of the row.
    let mut events = http.commands.log().load("email", &id.to_string(), 0).await?;
    events.retain(|event| event.position <= version);
    let detail = JobDetail { job: JobAnswer::from(row), history: attempts(&events)? };
    Ok(Answer::ok(&detail)?.version(version))
}
