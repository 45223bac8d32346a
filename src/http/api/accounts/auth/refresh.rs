//! `POST /auth/refresh`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::TokenAnswer;
use crate::commands::{CommandContext, CommandError};
use crate::domain::accounts::session::{Session, SessionCommand, SessionState};
use crate::domain::accounts::user::User;
use crate::domain::{Personal, Refusal};
use crate::http::auth::tokens::RefreshToken;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::{Answer, ApiError, HttpState};

/// The refresh token to exchange.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshRequest {
    /// Refresh token of the last log-in or refresh.
    #[schema(value_type = String, rename = "refresh_token", example = super::example_refresh_token)]
    refresh_token: Personal<String>,
}

/// Exchanges a refresh token for a new pair of tokens.
///
/// Each refresh token works once. Using it a second time ends the session and all its tokens (RFC 9700 §4.14.2). A
/// token that was never issued is rejected and ends nothing. A session cannot be extended beyond 30 days after the
/// log-in, or beyond the time that the operator has configured.
#[utoipa::path(
    post, path = "/auth/refresh", request_body = RefreshRequest,
    responses(
        (status = 200, description = "The new pair", body = Envelope<TokenAnswer>),
        (status = 400, description = "VALIDATION_ERROR: details name the field", body = ErrorEnvelope),
        (status = 401, description = "SESSION_ENDED: log in again", body = ErrorEnvelope),
    )
)]
pub async fn refresh_tokens(
    State(http): State<HttpState>,
    Json { value: request, .. }: Json<RefreshRequest>,
) -> Result<Answer, ApiError> {
    let presented = RefreshToken::parse(request.refresh_token.reveal_str()).ok_or(Refusal::SessionEnded)?;
    let now = http.now();
    let next = RefreshToken::new(presented.session_id, http.random, &http.claim_key);
    let refresh = SessionCommand::Refresh {
        presented_sha256: presented.sha256(),
        was_issued: presented.was_issued(&http.claim_key),
        next_sha256: next.sha256(),
        now,
        expires_at: http.tokens.refresh_until(now),
    };
    let context = CommandContext::of_person(http.random_id().into(), "refresh");
    let done = match http.commands.execute::<Session>(&context, presented.session_id, refresh).await {
        // An unknown session is answered like an ended one.
        Err(CommandError::Refused(Refusal::NotFound(_))) => return Err(Refusal::SessionEnded.into()),
        done => done?,
    };
    let SessionState::Open { user_id, epoch, ends_at, .. } = done.state else {
        super::reused(presented.session_id);
        return Err(Refusal::SessionEnded.into());
    };
    let user = http.commands.load::<User>(user_id).await?.state.active().ok_or(Refusal::SessionEnded)?;
    if epoch < user.epoch {
        return Err(Refusal::SessionEnded.into());
    }
    let answer = super::tokens(&http, user_id, &user, &next, now, ends_at)?;
    Ok(Answer::ok(&answer)?.at(done.position))
}
