//! `POST /auth/forgot-password`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::commands::CommandContext;
use crate::commands::reset_password::send_reset_link;
use crate::domain::certification::person::normalised_email;
use crate::domain::kernel::claim::ClaimKind;
use crate::domain::{NoticeId, Personal, UserId};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::{Answer, ApiError, HttpState};

/// Account whose password was forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForgotPasswordRequest {
    /// The account's e-mail address.
    #[schema(value_type = String, max_length = 512, example = "ada@example.com")]
    email: Personal<String>,
}

/// Confirmation, which is the same for every address.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForgotPasswordAnswer {
    /// Always true, also if no account has this address.
    #[schema(example = true)]
    pub accepted: bool,
}

/// Requests a mail with a link to set a new password.
///
/// The answer does not reveal whether the account exists. The link works once. It expires after 30 minutes, or after
/// the time that the operator has configured. The number of these mails per account and hour is limited.
#[utoipa::path(
    post, path = "/auth/forgot-password", request_body = ForgotPasswordRequest,
    responses(
        (status = 202, description = "If the account exists, a mail will be sent", body = Envelope<ForgotPasswordAnswer>),
        (status = 400, description = "VALIDATION_ERROR: details name the field", body = ErrorEnvelope),
    )
)]
pub async fn request_password_reset(
    State(http): State<HttpState>,
    Json { value: request, .. }: Json<ForgotPasswordRequest>,
) -> Result<Answer, ApiError> {
    super::within_bounds("email", &request.email)?;
    let key = http.claim_key.reveal().as_bytes();
    let claim = ClaimKind::UserEmail.subject_id(key, &normalised_email(request.email.reveal_str()));
    // Unknown accounts are counted and looked up too, so that the response time does not reveal them.
    let may = http.rate_limits.sends_link(&claim);
    let (id, user) = super::find(&http, &claim).await?;
    if let Some(user) = user.active().filter(|_| may) {
        // Not awaited: the time of the append would reveal that the account exists.
        tokio::spawn(send(http.clone(), id, user.epoch));
    }
    Ok(Answer::ok(&ForgotPasswordAnswer { accepted: true })?.for_later())
}

async fn send(http: HttpState, id: UserId, epoch: u32) {
    let context = CommandContext::of_person(http.random_id().into(), "forgotten password");
    let notice = NoticeId(http.random_id());
    let expires_at = http.now() + time::Duration::minutes(http.auth.reset_minutes.into());
    match send_reset_link(&http.commands, &context, notice, id, epoch, expires_at).await {
        Ok(()) => {
            tracing::info!(user = %id, notice_id = %notice, "password reset link requested")
        }
        Err(error) => tracing::error!(user = %id, %error, "cannot queue password reset link"),
    }
}
