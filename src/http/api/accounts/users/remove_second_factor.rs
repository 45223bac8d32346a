//! `DELETE /users/{id}/second-factor`

use axum::extract::State;
use uuid::Uuid;

use crate::commands::second_factor::remove_lost;
use crate::domain::UserId;
use crate::http::api::accounts::auth::second_factor::remove::SecondFactorRemovedAnswer;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};

/// Removes the second factor of a user who has lost it.
///
/// All sessions of the user end, and log-ins then need only the password. Verify the user's identity first. An API
/// key cannot do this. Remove your own second factor at `/auth/second-factor`.
#[utoipa::path(
    delete, path = "/users/{id}/second-factor", params(("id" = Uuid, Path, description = "The user's id")),
    responses(
        (status = 200, description = "Removed", body = Envelope<SecondFactorRemovedAnswer>),
        (status = 400, description = "VALIDATION_ERROR: the id is not a UUID", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND: no such user, or no second factor", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: it is your own second factor", body = ErrorEnvelope),
    )
)]
pub async fn remove_second_factor_of_user(
    State(http): State<HttpState>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = UserId(id);
    if id == caller.user_id {
        let message = "remove your own second factor at /auth/second-factor, or let another admin do it";
        return Err(ApiError::new(ErrorCode::WrongState, message));
    }
    let context = caller.context(http.random_id().into());
    let position = remove_lost(&http.commands, &context, id).await?;
    http.standing.heeds_user(position).await;
    tracing::info!(user = %id, "lost second factor removed");
    Ok(Answer::ok(&SecondFactorRemovedAnswer { removed: true })?.at(position))
}
