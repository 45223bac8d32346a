//! `POST /auth/change-password`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::TokenAnswer;
use crate::commands::change_user;
use crate::domain::Personal;
use crate::domain::accounts::user::User;
use crate::http::api::accounts::users::new_hash;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::server::client_address::ClientAddress;
use crate::http::{Answer, ApiError, Caller, HttpState};

/// The present and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangePasswordRequest {
    /// Present password.
    #[schema(value_type = String, format = Password, max_length = 512, example = "Correct-horse-1")]
    old_password: Personal<String>,
    /// New password: 8 to 128 characters with an upper-case letter, a lower-case letter and a digit. Passwords that
    /// are easy to guess are rejected.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, example = "Correct-horse-2")]
    new_password: Personal<String>,
    /// True if your API keys stay valid. If false or absent, the change ends them.
    #[serde(default)]
    keep_api_keys: bool,
}

/// Changes your own password.
///
/// All sessions end, including the present one. The answer has the tokens of a new session. Your API keys end, unless
/// `keepApiKeys` is true.
#[utoipa::path(
    post, path = "/auth/change-password", request_body = ChangePasswordRequest,
    responses(
        (status = 200, description = "Changed; use these tokens from now on", body = Envelope<TokenAnswer>),
        (status = 400, description = "VALIDATION_ERROR: the old password is wrong, or the new one is too weak", body = ErrorEnvelope),
        (status = 401, description = "UNAUTHENTICATED: no valid access token; FIRST_PASSWORD_EXPIRED: the first password was not changed in time", body = ErrorEnvelope),
        (status = 429, description = "TOO_MANY_REQUESTS: too many wrong passwords; see `Retry-After`", body = ErrorEnvelope),
    )
)]
pub async fn change_password(
    State(http): State<HttpState>,
    caller: Caller,
    client: ClientAddress,
    Json { value: request, .. }: Json<ChangePasswordRequest>,
) -> Result<Answer, ApiError> {
    super::within_bounds("oldPassword", &request.old_password)?;
    if request.old_password == request.new_password {
        return Err(ApiError::field("newPassword", "is the present one; give another"));
    }
    let id = caller.user_id;
    let guess = http.rate_limits.guess(&id.to_string(), client)?;
    let loaded = http.commands.load::<User>(id).await?;
    let user = loaded.state.active().ok_or_else(|| ApiError::not_found("user"))?;
    if !http.passwords.verify(request.old_password, Some(user.password_hash.clone())).await? {
        tracing::warn!(client = %client, reason = "wrong_old_password", "password not changed");
        return Err(ApiError::field("oldPassword", "is not the present password"));
    }
    http.rate_limits.guessed_right(guess);
    let now = http.now();
    super::in_time(&user, now)?;
    let hash = new_hash(&http, "newPassword", request.new_password, &user.profile).await?;
    // The epoch 0 is a placeholder: `change_password` sets the epoch that the change begins.
    let (refresh, started) = super::new_session(&http, id, 0, now);
    let ends_at = started.ends_at.unwrap_or(started.expires_at);
    let context = caller.context(http.random_id().into());
    let session = (refresh.session_id, started);
    let kept = request.keep_api_keys;
    let changed =
        change_user::change_password(&http.commands, &context, id, loaded.position, hash, kept, session)
            .await?;
    tracing::info!(api_keys_kept = kept, "password changed");
    http.standing.heeds_user(changed.version).await;
    let answer = super::tokens(&http, id, &changed.account, &refresh, now, ends_at)?;
    Ok(Answer::ok(&answer)?.at(changed.version))
}
