//! `GET /certificates/designs/{id}`

use axum::extract::State;
use uuid::Uuid;

use super::DesignAnswer;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::designs;

/// Returns one design.
#[utoipa::path(
    get, path = "/certificates/designs/{id}",
    params(
        ("id" = Uuid, Path, description = "The design's id"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the version that you have"),
    ),
    responses(
        (status = 200, description = "The design", body = Envelope<DesignAnswer>),
        (status = 304, description = "`If-None-Match` matches the current version"),
        (status = 400, description = "VALIDATION_ERROR: the id is not a UUID", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_design(State(http): State<HttpState>, Path(id): Path<Uuid>) -> Result<Answer, ApiError> {
    let row = designs::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("design"))?;
    let version = position(row.position)?;
    Ok(Answer::ok(&DesignAnswer::of_row(&http, row))?.version(version))
}
