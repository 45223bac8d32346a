//! `GET /imports/{id}`

use axum::extract::State;
use uuid::Uuid;

use super::ImportAnswer;
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::Path;
use crate::http::{Answer, ApiError, HttpState};

/// How far a file is, and what became of its rows.
#[utoipa::path(
    get, path = "/imports/{id}", params(
        ("id" = Uuid, Path, description = "The import's id"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag that you know"),
    ),
    responses(
        (status = 200, description = "The import", body = Envelope<ImportAnswer>),
        (status = 304, description = "`If-None-Match` names the present version"),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn handle(State(http): State<HttpState>, Path(id): Path<Uuid>) -> Result<Answer, ApiError> {
    let import = super::read(&http, id).await?.ok_or_else(|| ApiError::not_found("import"))?;
    Ok(Answer::ok(&import)?.version_of_body())
}
