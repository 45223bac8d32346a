//! `DELETE /api-keys/{id}`

use axum::extract::State;
use uuid::Uuid;

use crate::domain::ApiKeyId;
use crate::domain::accounts::api_key::{ApiKey, ApiKeyCommand};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::deleting::Deleted;
use crate::http::protocol::extract::{IfMatch, Path};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Revokes an API key.
///
/// The key stops working immediately and stays in the list. Revoking it again has no effect.
#[utoipa::path(
    delete, path = "/api-keys/{id}",
    params(
        ("id" = Uuid, Path, description = "The key's id"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that you read"),
    ),
    responses(
        (status = 200, description = "The key is revoked", body = Envelope<Deleted>),
        (status = 400, description = "VALIDATION_ERROR: the id is not a UUID", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: the resource has changed since you read it", body = ErrorEnvelope),
    )
)]
pub async fn revoke_api_key(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = ApiKeyId(id);
    let context = caller.context(http.random_id().into());
    let revoke = |_: &_| Ok(ApiKeyCommand::Revoke);
    let done = http.commands.change::<ApiKey>(&context, id, &if_match.versions(), revoke).await?;
    if !done.events.is_empty() {
        tracing::info!(api_key = %id, "API key revoked");
        http.standing.heeds_user(done.position).await;
    }
    let answer = Answer::ok(&Deleted { id: id.0 })?.message("the key counts no more");
    Ok(answer.at(done.position).version(done.position))
}
