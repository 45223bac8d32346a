//! `POST /auth/forgot-password`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::commands::CommandContext;
use crate::commands::reset_password::send_reset_link;
use crate::domain::claim::ClaimKind;
use crate::domain::person::normalised_email;
use crate::domain::{NoticeId, Personal, UserId};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::Json;
use crate::http::{Answer, ApiError, HttpState};

/// Who has forgotten a password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForgotPasswordRequest {
    /// The account's e-mail address.
    #[schema(value_type = String, max_length = 512, example = "ada@example.com")]
    email: Personal<String>,
}

/// Always the same.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForgotPasswordAnswer {
    /// Always true, whether there is such an account or not.
    #[schema(example = true)]
    pub accepted: bool,
}

/// Ask for a mail with a link that sets another password.
///
/// The answer is the same whether there is such an account or not. The link works once, for 30 minutes or
/// as the operator has set it. One account gets few such mails an hour.
#[utoipa::path(
    post, path = "/auth/forgot-password", request_body = ForgotPasswordRequest,
    responses(
        (status = 202, description = "If there is such an account, a mail is on its way", body = Envelope<ForgotPasswordAnswer>),
        (status = 400, description = "VALIDATION_ERROR: details name the field", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Json { value: request, .. }: Json<ForgotPasswordRequest>,
) -> Result<Answer, ApiError> {
    super::within_bounds("email", &request.email)?;
    let key = http.claim_key.reveal().as_bytes();
    let claim = ClaimKind::UserEmail.subject_id(key, &normalised_email(request.email.reveal_str()));
    // Counted and looked up alike, whether there is such an account or not.
    let may = http.rate_limits.sends_link(&claim);
    let (id, user) = super::find(&http, &claim).await?;
    if let Some(user) = user.active().filter(|_| may) {
        // Not waited for: how long the log takes would tell that there is an account.
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
            tracing::info!(user = %id, notice_id = %notice, "a link for a forgotten password was asked for")
        }
        Err(error) => tracing::error!(user = %id, %error, "a link for a forgotten password can't be sent"),
    }
}
