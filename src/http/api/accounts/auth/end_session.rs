//! `DELETE /auth/sessions/{id}`

use axum::extract::State;
use uuid::Uuid;

use super::logout::LogoutAnswer;
use crate::domain::SessionId;
use crate::domain::accounts::session::{Session, SessionCommand};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Ends one of your own sessions.
///
/// Its tokens stop working immediately. A session of another user is answered like an unknown session.
#[utoipa::path(
    delete, path = "/auth/sessions/{id}", params(("id" = Uuid, Path, description = "The session's id")),
    responses(
        (status = 200, description = "The session has ended, now or before", body = Envelope<LogoutAnswer>),
        (status = 400, description = "VALIDATION_ERROR: the id is not a UUID", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND: you have no such session", body = ErrorEnvelope),
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
        http.standing.heeds_session(done.position).await;
    }
    Ok(Answer::ok(&LogoutAnswer { ended: !done.events.is_empty() })?.at(done.position))
}
