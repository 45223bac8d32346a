//! Endpoints for the password of the caller: change, request a reset link, reset.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::TokenAnswer;
use crate::commands::reset_password::send_reset_link;
use crate::commands::{CommandContext, change_user, reset_password};
use crate::domain::accounts::notice::Notice;
use crate::domain::accounts::notice::link::notice_of_token;
use crate::domain::accounts::user::User;
use crate::domain::certification::person::normalised_email;
use crate::domain::kernel::claim::ClaimKind;
use crate::domain::{NoticeId, Personal, Refusal, UserId};
use crate::http::api::accounts::users::new_hash;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::Json;
use crate::http::server::client_address::ClientAddress;
use crate::http::server::layers::observe::RequestId;
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Current and new password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangePasswordRequest {
    /// Current password.
    #[schema(value_type = String, format = Password, max_length = 512, example = "Correct-horse-1")]
    old_password: Personal<String>,
    /// New password: 8 to 128 characters with an upper-case letter, a lower-case letter and a
    /// digit. Passwords that are easy to guess are rejected.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, example = "Correct-horse-2")]
    new_password: Personal<String>,
    /// True to keep your API keys valid. If it is false or absent, the change ends them.
    #[serde(default)]
    keep_api_keys: bool,
}

/// Changes your own password.
///
/// All your sessions end, including the current one. The response contains the tokens of a new
/// session. Your API keys end, unless `keepApiKeys` is true.
#[utoipa::path(
    post, path = "/auth/change-password",
    responses(
        (status = 200, description = "Changed; use these tokens from now on", body = Envelope<TokenAnswer>),
        (status = 401, description = "UNAUTHENTICATED: no valid access token; FIRST_PASSWORD_EXPIRED: the first password was not changed in time"),
        (status = 422, description = "VALIDATION_ERROR: the old password is wrong, or the new one is too weak"),
        (status = 429, description = "TOO_MANY_REQUESTS: too many wrong passwords; see `Retry-After`"),
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
        return Err(ApiError::field(
            "newPassword",
            "is the current password; choose another one",
        ));
    }
    let id = caller.user_id;
    let guess = http.rate_limits.guess(&id.to_string(), client)?;
    let loaded = http.commands.load::<User>(id).await?;
    let user = loaded
        .state
        .active()
        .ok_or_else(|| ApiError::not_found("user"))?;
    if !http
        .passwords
        .verify(request.old_password, Some(user.password_hash.clone()))
        .await?
    {
        tracing::warn!(client = %client, reason = "wrong_old_password", "password not changed");
        return Err(ApiError::field(
            "oldPassword",
            "is not the current password",
        ));
    }
    http.rate_limits.guessed_right(guess);
    let now = http.now();
    super::in_time(&user, now)?;
    let hash = new_hash(&http, "newPassword", request.new_password, &user.profile).await?;
    // The epoch 0 is a placeholder. `change_password` replaces it by the epoch that starts with the
    // change.
    let (refresh, started) = super::new_session(&http, id, 0, now);
    let ends_at = started.ends_at.unwrap_or(started.expires_at);
    let context = caller.context(http.random_id().into());
    let session = (refresh.session_id, started);
    let kept = request.keep_api_keys;
    let changed = change_user::change_password(
        &http.commands,
        &context,
        id,
        loaded.position,
        hash,
        kept,
        session,
    )
    .await?;
    tracing::info!(api_keys_kept = kept, "password changed");
    http.authorizations
        .wait_until_user_applied(changed.version)
        .await;
    let answer = super::tokens(&http, id, &changed.account, &refresh, now, ends_at)?;
    Ok(Answer::ok(&answer)?.at(changed.version))
}

/// Account whose password was forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForgotPasswordRequest {
    /// E-mail address of the account.
    #[schema(value_type = String, max_length = 512, example = "ada@example.com")]
    email: Personal<String>,
}

/// Confirmation. It is the same for every address.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForgotPasswordAnswer {
    /// Always true, even if no account has this address.
    #[schema(example = true)]
    pub accepted: bool,
}

/// Requests a mail with a link for setting a new password.
///
/// The response does not reveal whether the account exists. The link works once. It expires after
/// 30 minutes, or after the time that the operator has configured. The number of these mails per
/// account and hour is limited.
#[utoipa::path(
    post, path = "/auth/forgot-password",
    responses(
        (status = 200, description = "If the account exists, a mail will be sent", body = Envelope<ForgotPasswordAnswer>),
    )
)]
pub async fn request_password_reset(
    State(http): State<HttpState>,
    RequestId(request_id): RequestId,
    Json { value: request, .. }: Json<ForgotPasswordRequest>,
) -> Result<Answer, ApiError> {
    super::within_bounds("email", &request.email)?;
    let key = http.claim_key.reveal().as_bytes();
    let claim = ClaimKind::UserEmail.subject_id(key, &normalised_email(request.email.reveal_str()));
    // A request for an unknown account is also counted and looked up, so that the response time
    // does not reveal that the account does not exist.
    let may = http.rate_limits.sends_link(&claim);
    let (id, user) = super::find(&http, &claim).await?;
    if let Some(user) = user.active().filter(|_| may) {
        // The append is not awaited, because its duration would reveal that the account exists.
        tokio::spawn(send(http.clone(), id, user.link_epoch(), request_id));
    }
    Answer::ok(&ForgotPasswordAnswer { accepted: true })
}

async fn send(http: HttpState, id: UserId, epoch: u32, request_id: String) {
    let context = CommandContext::of_person(http.random_id().into(), "forgotten password")
        .in_request(request_id);
    let notice = NoticeId(http.random_id());
    let expires_at = http.now() + time::Duration::minutes(http.auth.reset_minutes.into());
    match send_reset_link(&http.commands, &context, notice, id, epoch, expires_at).await {
        Ok(()) => {
            tracing::info!(user = %id, notice_id = %notice, "password reset link requested")
        }
        Err(error) => tracing::error!(user = %id, %error, "cannot queue password reset link"),
    }
}

/// Returns an example of a link's token.
const fn example_token() -> &'static str {
    "7f6c2f0a-0f5e-4b57-9a53-6f8f6a2f8f11.5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
}

/// Token from the link, and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetPasswordRequest {
    /// Token from the link: the text after `#token=`.
    #[schema(value_type = String, max_length = 128, example = example_token)]
    token: Personal<String>,
    /// New password: 8 to 128 characters with an upper-case letter, a lower-case letter and a
    /// digit. Passwords that are easy to guess are rejected.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, example = "Correct-horse-2")]
    password: Personal<String>,
    /// True to keep your API keys valid. If it is false or absent, the change ends them.
    #[serde(default)]
    keep_api_keys: bool,
}

/// Confirmation that the new password is set.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetPasswordAnswer {
    /// Always true.
    #[schema(example = true)]
    pub changed: bool,
}

/// Sets a new password with the link from a mail.
///
/// The link works once. All sessions and API keys of the user end. With `keepApiKeys`, the API keys
/// stay valid. The user gets a mail about the change. The request does not log the user in.
#[utoipa::path(
    post, path = "/auth/reset-password",
    responses(
        (status = 200, description = "The password is set; log in with it", body = Envelope<ResetPasswordAnswer>),
        (status = 422, description = "VALIDATION_ERROR: the password is too weak; RESET_LINK_INVALID: the link is unknown, was used or has expired"),
    )
)]
pub async fn reset_password(
    State(http): State<HttpState>,
    RequestId(request_id): RequestId,
    Json { value: request, .. }: Json<ResetPasswordRequest>,
) -> Result<Answer, ApiError> {
    let link =
        notice_of_token(request.token.reveal_str(), &http.claim_key).ok_or(Refusal::LinkEnded)?;
    let notice = http.commands.load::<Notice>(link).await?.state;
    let notice = notice.mail.ok_or(Refusal::LinkEnded)?;
    let id = notice.user_id;
    let user = http
        .commands
        .load::<User>(id)
        .await?
        .state
        .active()
        .ok_or(Refusal::LinkEnded)?;
    // This check avoids an expensive password hash. `reset_password` makes the decision.
    if !notice.about.opens(http.now(), user.link_epoch()) {
        return Err(Refusal::LinkEnded.into());
    }
    let hash = new_hash(&http, "password", request.password, &user.profile).await?;
    let context = CommandContext::of_person(http.random_id().into(), id).in_request(request_id);
    let kept = request.keep_api_keys;
    let changed =
        reset_password::reset_password(&http.commands, &context, link, id, hash, kept).await?;
    http.authorizations
        .wait_until_user_applied(changed.version)
        .await;
    tracing::info!(user = %id, notice_id = %link, api_keys_kept = kept, "forgotten password reset");
    Ok(Answer::ok(&ResetPasswordAnswer { changed: true })?.at(changed.version))
}
