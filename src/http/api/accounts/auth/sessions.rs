//! `GET /auth/sessions`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::protocol::answer::ListEnvelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{ListQuery, Query, Unsorted};
use crate::http::protocol::rfc3339;
use crate::http::{Answer, ApiError, Caller, HttpState};
use crate::projection::queries::sessions::{self, SessionRow};

/// A session: one log-in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionAnswer {
    /// The session's id.
    pub id: Uuid,
    /// True for the session of this request.
    pub is_current: bool,
    /// Time of the log-in (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    pub started_at: String,
    /// Time of the last refresh (RFC 3339).
    #[schema(example = "2026-11-22T12:00:00Z")]
    pub refreshed_at: String,
    /// Expiry time of its refresh token (RFC 3339).
    #[schema(example = "2026-11-29T12:00:00Z")]
    pub expires_at: String,
    /// Time at which the session ends even if it is refreshed (RFC 3339).
    #[schema(example = "2026-12-21T12:00:00Z")]
    pub ends_at: String,
}

impl SessionAnswer {
    fn of(row: SessionRow, caller: &Caller) -> Self {
        Self {
            id: row.id,
            is_current: caller.session_id().is_some_and(|id| id.0 == row.id),
            started_at: rfc3339(row.started_at),
            refreshed_at: rfc3339(row.refreshed_at),
            expires_at: rfc3339(row.expires_at),
            ends_at: rfc3339(row.ends_at),
        }
    }
}

/// Lists your own open sessions, newest first by default.
#[utoipa::path(
    get, path = "/auth/sessions", params(ListQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<SessionAnswer>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor belongs to another list", body = ErrorEnvelope),
    )
)]
pub async fn list_own_sessions(
    State(http): State<HttpState>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Answer, ApiError> {
    let own = sessions::going_on(caller.user_id.0, http.now());
    let shown = |row| SessionAnswer::of(row, &caller);
    query.listing::<Unsorted>().answer(&http, &sessions::TABLE, own, shown).await
}
