//! `POST /auth/logout`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::commands::{CommandContext, CommandError};
use crate::domain::accounts::session::{
    RevocationReason, Session, SessionCommand, SessionEvent, SessionState,
};
use crate::domain::accounts::user::{User, UserCommand};
use crate::domain::{Personal, Refusal};
use crate::event_log::Position;
use crate::http::auth::tokens::RefreshToken;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::{Answer, ApiError, HttpState};

/// Session to end.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogoutRequest {
    /// Refresh token of the last log-in or refresh.
    #[schema(value_type = String, rename = "refresh_token", example = super::example_refresh_token)]
    refresh_token: Personal<String>,
    /// True to end all other sessions of the user as well; false if absent.
    #[serde(default)]
    all: bool,
}

/// Result of ending a session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogoutAnswer {
    /// True if a session was ended.
    #[schema(example = true)]
    pub ended: bool,
}

/// Logs out: ends the session of this refresh token, or all sessions of its user.
///
/// The session's access tokens stop working immediately. A token that is unknown or whose session has ended is not an
/// error.
#[utoipa::path(
    post, path = "/auth/logout", request_body = LogoutRequest,
    responses(
        (status = 200, description = "The token is no longer usable", body = Envelope<LogoutAnswer>),
        (status = 400, description = "VALIDATION_ERROR: details name the field", body = ErrorEnvelope),
    )
)]
pub async fn log_out(
    State(http): State<HttpState>,
    Json { value: request, .. }: Json<LogoutRequest>,
) -> Result<Answer, ApiError> {
    let Some(presented) = RefreshToken::parse(request.refresh_token.reveal_str()) else {
        return Answer::ok(&LogoutAnswer { ended: false });
    };
    if request.all {
        end_all(&http, &presented).await?;
    }
    let context = CommandContext::of_person(http.random_id().into(), "logout");
    let was_issued = presented.was_issued(&http.claim_key);
    let log_out = SessionCommand::LogOut { presented_sha256: presented.sha256(), was_issued };
    let done = match http.commands.execute::<Session>(&context, presented.session_id, log_out).await {
        Err(CommandError::Refused(Refusal::NotFound(_))) => {
            return Answer::ok(&LogoutAnswer { ended: false });
        }
        done => done?,
    };
    let reason = done.events.iter().find_map(|event| match event {
        SessionEvent::SessionRevoked(end) => Some(end.reason),
        SessionEvent::SessionStarted(_) | SessionEvent::SessionRefreshed(_) => None,
    });
    if reason == Some(RevocationReason::TokenReuse) {
        super::reused(presented.session_id);
    }
    if reason.is_some() {
        tracing::info!(session_id = %presented.session_id, all = request.all, "user logged out");
        http.standing.heeds_session(done.position).await;
    }
    Ok(Answer::ok(&LogoutAnswer { ended: reason.is_some() })?.at(done.position))
}

/// Ends all sessions of the user, if the session is open and `presented` is its current token. This happens before
/// the session itself is ended, so that an interrupted request can be repeated.
async fn end_all(http: &HttpState, presented: &RefreshToken) -> Result<Option<Position>, ApiError> {
    let loaded = http.commands.load::<Session>(presented.session_id).await?;
    let SessionState::Open { user_id, refresh_sha256, .. } = loaded.state else { return Ok(None) };
    if refresh_sha256 != presented.sha256() {
        return Ok(None);
    }
    let context = CommandContext::of_person(http.random_id().into(), user_id);
    match http.commands.execute::<User>(&context, user_id, UserCommand::EndSessions).await {
        Err(CommandError::Refused(Refusal::NotFound(_))) => Ok(None),
        done => {
            let position = done?.position;
            http.standing.heeds_user(position).await;
            Ok(Some(position))
        }
    }
}
