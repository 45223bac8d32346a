//! `POST /auth/reset-password`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::commands::CommandContext;
use crate::commands::reset_password;
use crate::domain::accounts::notice::Notice;
use crate::domain::accounts::notice::link::notice_of_token;
use crate::domain::accounts::user::User;
use crate::domain::{Personal, Refusal};
use crate::http::api::accounts::users::new_hash;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::{Answer, ApiError, HttpState};

/// Example of a link's token.
const fn example_token() -> &'static str {
    "7f6c2f0a-0f5e-4b57-9a53-6f8f6a2f8f11.5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
}

/// Token of the link, and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetPasswordRequest {
    /// Token of the link: the text after `#token=`.
    #[schema(value_type = String, max_length = 128, example = example_token)]
    token: Personal<String>,
    /// New password: 8 to 128 characters with an upper-case letter, a lower-case letter and a digit. Passwords that
    /// are easy to guess are rejected.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, example = "Correct-horse-2")]
    password: Personal<String>,
    /// True if your API keys stay valid. If false or absent, the change ends them.
    #[serde(default)]
    keep_api_keys: bool,
}

/// Confirmation that the password was set.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetPasswordAnswer {
    /// Always true.
    #[schema(example = true)]
    pub changed: bool,
}

/// Sets a new password with the link from a mail.
///
/// The link works once. All sessions and API keys of the user end; with `keepApiKeys`, the API keys stay valid. A
/// mail informs the user of the change. The request does not log in.
#[utoipa::path(
    post, path = "/auth/reset-password", request_body = ResetPasswordRequest,
    responses(
        (status = 200, description = "The password is set; log in with it", body = Envelope<ResetPasswordAnswer>),
        (status = 400, description = "VALIDATION_ERROR: the password is too weak; RESET_LINK_INVALID: the link is \
                                      unknown, was used or has expired", body = ErrorEnvelope),
    )
)]
pub async fn reset_password(
    State(http): State<HttpState>,
    Json { value: request, .. }: Json<ResetPasswordRequest>,
) -> Result<Answer, ApiError> {
    let link = notice_of_token(request.token.reveal_str(), &http.claim_key).ok_or(Refusal::LinkEnded)?;
    let notice = http.commands.load::<Notice>(link).await?.state;
    let id = notice.queued.as_ref().map(|queued| queued.user_id).ok_or(Refusal::LinkEnded)?;
    let user = http.commands.load::<User>(id).await?.state.active().ok_or(Refusal::LinkEnded)?;
    // Checked here because hashing the password is expensive. `reset_password` decides.
    if !notice.opens(http.now(), user.epoch) {
        return Err(Refusal::LinkEnded.into());
    }
    let hash = new_hash(&http, "password", request.password, &user.profile).await?;
    let context = CommandContext::of_person(http.random_id().into(), id);
    let kept = request.keep_api_keys;
    let changed = reset_password::reset_password(&http.commands, &context, link, id, hash, kept).await?;
    http.standing.heeds_user(changed.version).await;
    tracing::info!(user = %id, notice_id = %link, api_keys_kept = kept, "forgotten password reset");
    Ok(Answer::ok(&ResetPasswordAnswer { changed: true })?.at(changed.version))
}
