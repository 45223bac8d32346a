//! `GET /auth/me`

use axum::extract::State;

use super::UserAnswer;
use crate::domain::accounts::user::User;
use crate::http::protocol::answer::Envelope;
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Returns the signed-in user.
#[utoipa::path(
    get, path = "/auth/me",
    responses((status = 200, description = "The signed-in user", body = Envelope<UserAnswer>))
)]
pub async fn get_own_account(State(http): State<HttpState>, caller: Caller) -> Result<Answer, ApiError> {
    let loaded = http.commands.load::<User>(caller.user_id).await?;
    let user = loaded.state.active().ok_or_else(|| ApiError::not_found("user"))?;
    Ok(Answer::ok(&UserAnswer::of(caller.user_id, &user))?.version(loaded.position))
}
