//! `DELETE /users/{id}`

use axum::extract::State;
use uuid::Uuid;

use super::check_program;
use crate::commands::change_user;
use crate::domain::UserId;
use crate::domain::accounts::user::Account;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::deleting::Deleted;
use crate::http::protocol::extract::{IfMatch, Path};
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};

/// Removes a user.
///
/// The user's tokens and API keys stop working immediately. You cannot remove the last admin or yourself. An API key
/// can remove only viewers and operators.
#[utoipa::path(
    delete, path = "/users/{id}",
    params(
        ("id" = Uuid, Path, description = "The user's id"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that you read"),
    ),
    responses(
        (status = 200, description = "Removed", body = Envelope<Deleted>),
        (status = 400, description = "VALIDATION_ERROR: the id is not a UUID", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: this is the last admin, or yourself", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: the resource has changed since you read it", body = ErrorEnvelope),
    )
)]
pub async fn delete_user(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = UserId(id);
    if id == caller.user_id {
        let message = "you can't remove yourself; let another admin do it";
        return Err(ApiError::new(ErrorCode::WrongState, message));
    }
    let context = caller.context(http.random_id().into());
    let key = http.claim_key.reveal().as_bytes();
    let may = |now: &Account| check_program(&caller, &[now.role]);
    let position =
        change_user::delete_user(&http.commands, key, &context, id, &if_match.versions(), may).await?;
    http.standing.heeds_user(position).await;
    tracing::info!(user = %id, "user removed");
    Ok(Answer::ok(&Deleted { id: id.0 })?.message("the user was removed").at(position))
}
