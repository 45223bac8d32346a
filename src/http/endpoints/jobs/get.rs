//! `GET /jobs/{id}`

use axum::extract::State;
use uuid::Uuid;

use super::JobAnswer;
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::position;
use crate::http::extract::Path;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs;

/// One job.
#[utoipa::path(
    get, path = "/jobs/{id}", params(("id" = Uuid, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job", body = Envelope<JobAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn handle(State(http): State<HttpState>, Path(id): Path<Uuid>) -> Result<Answer, ApiError> {
    let row = jobs::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("job"))?;
    let version = position(row.position)?;
    Ok(Answer::ok(&JobAnswer::from(row))?.version(version))
}
