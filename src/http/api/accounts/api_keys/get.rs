//! `GET /api-keys/{id}`

use axum::extract::State;
use uuid::Uuid;

use super::{ApiKeyAnswer, last_uses};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::api_keys;

/// Returns one API key, without its secret.
#[utoipa::path(
    get, path = "/api-keys/{id}", params(
        ("id" = Uuid, Path, description = "The key's id"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the version that you have"),
    ),
    responses(
        (status = 200, description = "The key", body = Envelope<ApiKeyAnswer>,
            headers(("ETag" = String, description = "Version of the key"))),
        (status = 304, description = "`If-None-Match` matches the current version"),
        (status = 400, description = "VALIDATION_ERROR: the id is not a UUID", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_api_key(State(http): State<HttpState>, Path(id): Path<Uuid>) -> Result<Answer, ApiError> {
    let database = http.database().await?;
    let row = api_keys::get(&database, id).await?.ok_or_else(|| ApiError::not_found("API key"))?;
    let version = position(row.position)?;
    let ended = row.ended_position.map(position).transpose()?;
    let uses = last_uses(&http, &database, &[id]).await?;
    let answer = Answer::ok(&ApiKeyAnswer::of_row(row, &uses))?;
    // A password change can end the key. It is an event of the user, but it changes this answer.
    Ok(match ended {
        Some(ended) => answer.version_with(version, ended),
        None => answer.version(version),
    })
}
