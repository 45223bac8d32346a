//! `POST /auth/reset-password`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::commands::CommandContext;
use crate::commands::reset_password::reset_password;
use crate::domain::notice::Notice;
use crate::domain::notice::link::notice_of_token;
use crate::domain::user::User;
use crate::domain::{Personal, Refusal};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::users::new_hash;
use crate::http::extract::Json;
use crate::http::{Answer, ApiError, HttpState};

/// What a token looks like.
const fn example_token() -> &'static str {
    "7f6c2f0a-0f5e-4b57-9a53-6f8f6a2f8f11.5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
}

/// The link's token, and what the password is to be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetPasswordRequest {
    /// What follows `#token=` in the mail's link.
    #[schema(value_type = String, max_length = 128, example = example_token)]
    token: Personal<String>,
    /// The next: 8 to 128 characters with an upper-case letter, a lower-case letter and a digit, and none
    /// that everybody tries first.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, example = "Correct-horse-2")]
    password: Personal<String>,
    /// True if your API keys stay valid; false if absent, and then the change ends them.
    #[serde(default)]
    keep_api_keys: bool,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetPasswordAnswer {
    /// Always true.
    #[schema(example = true)]
    pub changed: bool,
}

/// Set a password by the link of a mail.
///
/// The link works once. All sessions and API keys of the user end (`keepApiKeys` keeps the keys), and a mail tells of the change. This is no log-in.
#[utoipa::path(
    post, path = "/auth/reset-password", request_body = ResetPasswordRequest,
    responses(
        (status = 200, description = "Set; log in with it", body = Envelope<ResetPasswordAnswer>),
        (status = 400, description = "VALIDATION_ERROR: the password is too weak; RESET_LINK_INVALID: the link is \
                                      not ours, was used or has expired", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Json { value: request, .. }: Json<ResetPasswordRequest>,
) -> Result<Answer, ApiError> {
    let link = notice_of_token(request.token.reveal_str(), &http.claim_key).ok_or(Refusal::LinkEnded)?;
    let notice = http.commands.load::<Notice>(link).await?.state;
    let id = notice.queued.as_ref().map(|queued| queued.user_id).ok_or(Refusal::LinkEnded)?;
    let user = http.commands.load::<User>(id).await?.state.active().ok_or(Refusal::LinkEnded)?;
    // Before the password is hashed, which costs something; decided below.
    if !notice.opens(http.now(), user.epoch) {
        return Err(Refusal::LinkEnded.into());
    }
    let hash = new_hash(&http, "password", request.password, &user.profile).await?;
    let context = CommandContext::of_person(http.random_id().into(), id);
    let kept = request.keep_api_keys;
    let changed = reset_password(&http.commands, &context, link, id, hash, kept).await?;
    http.standing.heeds_user(changed.version).await;
    tracing::info!(user = %id, notice_id = %link, api_keys_kept = kept, "a forgotten password was set anew");
    Ok(Answer::ok(&ResetPasswordAnswer { changed: true })?.at(changed.version))
}
