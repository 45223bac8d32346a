//! Endpoints that show API keys.

use axum::extract::State;
use uuid::Uuid;

use super::{ApiKeyAnswer, last_uses};
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::extract::{ListQuery, Path};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::api_keys::ApiKeyRow;

/// Returns one API key, without its secret.
#[utoipa::path(
    get, path = "/api-keys/{id}",
    responses(
        (status = 200, description = "The key", body = Envelope<ApiKeyAnswer>),
    )
)]
pub async fn get_api_key(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = http.find::<ApiKeyRow>("API key", id).await?;
    let version = position(row.position)?;
    let ended = row.ended_position.map(position).transpose()?;
    let uses = last_uses(&http, &http.database().await?, &[id]).await?;
    let answer = Answer::ok(&ApiKeyAnswer::of_row(row, &uses))?;
    // A password change of the owner can end the key. It is an event of the user, so the entity tag
    // also contains the position of that event.
    Ok(match ended {
        Some(ended) => answer.version_with(version, ended),
        None => answer.version(version),
    })
}

/// Lists the API keys of all users, including keys that are no longer valid; newest first by
/// default.
#[utoipa::path(
    get, path = "/api-keys", params(ListQuery<ApiKeyRow>),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<ApiKeyAnswer>),
    )
)]
pub async fn list_api_keys(
    State(http): State<HttpState>,
    query: ListQuery<ApiKeyRow>,
) -> Result<Answer, ApiError> {
    let (rows, meta) = query.read(&http).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let uses = last_uses(&http, &http.database().await?, &ids).await?;
    let shown: Vec<_> = rows
        .into_iter()
        .map(|row| ApiKeyAnswer::of_row(row, &uses))
        .collect();
    Answer::list(&shown, &meta)
}
