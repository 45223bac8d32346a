//! `GET /imports/{id}`

use axum::extract::State;
use uuid::Uuid;

use super::ImportAnswer;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::{Answer, ApiError, HttpState};

/// Returns an import: its progress and the results of its rows.
#[utoipa::path(
    get, path = "/imports/{id}", params(
        ("id" = Uuid, Path, description = "The import's id"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the version that you have"),
    ),
    responses(
        (status = 200, description = "The import", body = Envelope<ImportAnswer>),
        (status = 304, description = "`If-None-Match` matches the current version"),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_import(State(http): State<HttpState>, Path(id): Path<Uuid>) -> Result<Answer, ApiError> {
    let import = super::read(&http, id).await?.ok_or_else(|| ApiError::not_found("import"))?;
    Ok(Answer::ok(&import)?.version_of_body())
}
