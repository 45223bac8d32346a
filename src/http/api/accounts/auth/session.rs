//! Endpoints for the sessions of the caller: refresh, log out, list, end; and for the own account.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{TokenAnswer, UserAnswer};
use crate::commands::{CommandContext, sessions};
use crate::domain::accounts::session::{PresentedToken, RevocationReason, Session, SessionCommand};
use crate::domain::accounts::user::User;
use crate::domain::{Personal, Refusal, SessionId};
use crate::event_log::Via;
use crate::http::auth::tokens::RefreshToken;
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::extract::{Json, ListQuery, Path};
use crate::http::protocol::timestamp::Timestamp;
use crate::http::server::layers::observe::RequestId;
use crate::http::{Answer, ApiError, Caller, HttpState};
use crate::projection::queries::sessions::{SessionRow, open_sessions};

/// Refresh token that is exchanged for new tokens.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshRequest {
    /// Refresh token of the last log-in or refresh.
    #[schema(value_type = String, rename = "refresh_token", example = super::example_refresh_token)]
    refresh_token: Personal<String>,
}

/// Exchanges a refresh token for a new pair of tokens.
///
/// Each refresh token works once. If the response is lost, the request can be repeated within 30
/// seconds: the new refresh token is the same. If a refresh token is used again later, or after the
/// new one, its session and all tokens of that session end (RFC 9700 §4.14.2). A token that this
/// server has not issued is rejected and ends nothing. A session ends 30 days after the log-in, or
/// after the time that the operator has configured, even if it is refreshed.
#[utoipa::path(
    post, path = "/auth/refresh",
    responses(
        (status = 200, description = "The new pair", body = Envelope<TokenAnswer>),
        (status = 401, description = "SESSION_ENDED: log in again"),
    )
)]
pub async fn refresh_tokens(
    State(http): State<HttpState>,
    RequestId(request_id): RequestId,
    Json { value: request, .. }: Json<RefreshRequest>,
) -> Result<Answer, ApiError> {
    let presented =
        RefreshToken::parse(request.refresh_token.reveal_str()).ok_or(Refusal::SessionEnded)?;
    let now = http.now();
    let next = presented.next(&http.claim_key);
    let token = presented_at(&http, &presented, now);
    let expires_at = http.tokens.refresh_until(now);
    let context = context_of(&http, &presented, "refresh", request_id);
    let id = presented.session_id;
    let refreshed = sessions::refresh(&http.commands, &context, id, token, expires_at).await?;
    let Some(open) = refreshed.open else {
        super::reused(id);
        http.authorizations
            .wait_until_session_applied(refreshed.position)
            .await;
        return Err(Refusal::SessionEnded.into());
    };
    let answer = super::tokens(&http, open.user_id, &open.account, &next, now, open.ends_at)?;
    Ok(Answer::ok(&answer)?.at(refreshed.position))
}

fn presented_at(http: &HttpState, token: &RefreshToken, now: OffsetDateTime) -> PresentedToken {
    PresentedToken {
        sha256: token.sha256(),
        was_issued: token.was_issued(&http.claim_key),
        next_sha256: token.next(&http.claim_key).sha256(),
        at: now,
    }
}

/// Returns the context of a command on the session of a refresh token. A token that this server has
/// not issued has no events, so the credential of each event is known to be valid.
fn context_of(
    http: &HttpState,
    token: &RefreshToken,
    actor: &str,
    request_id: String,
) -> CommandContext {
    CommandContext {
        via: Some(Via::Session(token.session_id)),
        ..CommandContext::of_person(http.random_id().into(), actor).in_request(request_id)
    }
}

/// Session to be ended.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogoutRequest {
    /// Refresh token of the last log-in or refresh.
    #[schema(value_type = String, rename = "refresh_token", example = super::example_refresh_token)]
    refresh_token: Personal<String>,
    /// True to end all other sessions of the user too. The default is false.
    #[serde(default)]
    all: bool,
}

/// Result of ending a session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogoutAnswer {
    /// True if the request has ended a session.
    #[schema(example = true)]
    pub ended: bool,
}

/// Logs out. Ends the session of the refresh token, or all sessions of its user.
///
/// The access tokens of the session stop working immediately. If the refresh token is unknown, or
/// its session has already ended, the request succeeds too. For 30 seconds after a refresh, the
/// previous refresh token works too.
#[utoipa::path(
    post, path = "/auth/logout",
    responses(
        (status = 200, description = "The token can no longer be used", body = Envelope<LogoutAnswer>),
    )
)]
pub async fn log_out(
    State(http): State<HttpState>,
    RequestId(request_id): RequestId,
    Json { value: request, .. }: Json<LogoutRequest>,
) -> Result<Answer, ApiError> {
    let Some(presented) = RefreshToken::parse(request.refresh_token.reveal_str()) else {
        return Answer::ok(&LogoutAnswer { ended: false });
    };
    let id = presented.session_id;
    let token = presented_at(&http, &presented, http.now());
    let context = context_of(&http, &presented, "logout", request_id);
    let done = sessions::log_out(&http.commands, &context, id, token, request.all).await?;
    if done.reason == Some(RevocationReason::TokenReuse) {
        super::reused(id);
    } else if done.reason.is_some() {
        tracing::info!(session_id = %id, all = request.all, "user logged out");
    }
    if done.reason.is_some() {
        http.authorizations
            .wait_until_session_applied(done.session)
            .await;
    }
    if let Some(position) = done.user {
        http.authorizations.wait_until_user_applied(position).await;
    }
    let answer = Answer::ok(&LogoutAnswer {
        ended: done.reason.is_some(),
    })?;
    Ok(match done.reason {
        Some(_) => answer.at(done.user.unwrap_or(done.session)),
        None => answer,
    })
}

/// A session. Each log-in starts one.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionAnswer {
    /// Id of the session.
    pub id: Uuid,
    /// True if this request belongs to the session.
    pub is_current: bool,
    /// Time of the log-in (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    pub started_at: Timestamp,
    /// Time of the last refresh (RFC 3339).
    #[schema(example = "2026-11-22T12:00:00Z")]
    pub refreshed_at: Timestamp,
    /// Expiry time of the session's refresh token (RFC 3339).
    #[schema(example = "2026-11-29T12:00:00Z")]
    pub expires_at: Timestamp,
    /// Time at which the session ends, even if it is refreshed (RFC 3339).
    #[schema(example = "2026-12-21T12:00:00Z")]
    pub ends_at: Timestamp,
}

impl SessionAnswer {
    fn of(row: SessionRow, caller: &Caller) -> Self {
        Self {
            id: row.id,
            is_current: caller.session_id().is_some_and(|id| id.0 == row.id),
            started_at: Timestamp(row.started_at),
            refreshed_at: Timestamp(row.refreshed_at),
            expires_at: Timestamp(row.expires_at),
            ends_at: Timestamp(row.ends_at),
        }
    }
}

/// Lists your own open sessions. The newest session comes first by default.
#[utoipa::path(
    get, path = "/auth/sessions", params(ListQuery<SessionRow>),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<SessionAnswer>),
    )
)]
pub async fn list_own_sessions(
    State(http): State<HttpState>,
    caller: Caller,
    query: ListQuery<SessionRow>,
) -> Result<Answer, ApiError> {
    let user = caller.user_id.0;
    let own = query.restricted(|given| open_sessions(given, user, http.now()));
    own.answer(&http, |row| SessionAnswer::of(row, &caller))
        .await
}

/// Ends one of your own sessions.
///
/// The tokens of the session stop working immediately. For the session of another user, the
/// response is the same as for an unknown session.
#[utoipa::path(
    delete, path = "/auth/sessions/{id}",
    responses(
        (status = 200, description = "The session has ended, now or before", body = Envelope<LogoutAnswer>),
        (status = 404, description = "NOT_FOUND: you have no such session"),
    )
)]
pub async fn end_session(
    State(http): State<HttpState>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = SessionId(id);
    let context = caller.context(http.random_id().into());
    let end = SessionCommand::End { by: caller.user_id };
    let done = http.commands.execute::<Session>(&context, id, end).await?;
    if !done.events.is_empty() {
        http.authorizations
            .wait_until_session_applied(done.position)
            .await;
    }
    Ok(Answer::ok(&LogoutAnswer {
        ended: !done.events.is_empty(),
    })?
    .at(done.position))
}

/// Returns the signed-in user.
#[utoipa::path(
    get, path = "/auth/me",
    responses((status = 200, description = "The signed-in user", body = Envelope<UserAnswer>))
)]
pub async fn get_own_account(
    State(http): State<HttpState>,
    caller: Caller,
) -> Result<Answer, ApiError> {
    let loaded = http.commands.load::<User>(caller.user_id).await?;
    let user = loaded
        .state
        .active()
        .ok_or_else(|| ApiError::not_found("user"))?;
    Ok(Answer::ok(&UserAnswer::of_account(caller.user_id, &user))?.version(loaded.position))
}
