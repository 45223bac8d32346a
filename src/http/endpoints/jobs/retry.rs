//! `POST /jobs/{id}/retry`

use axum::extract::State;
use uuid::Uuid;

use super::JobState;
use crate::domain::EmailId;
use crate::domain::email::{Email, EmailCommand};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{IdempotencyKey, Path};
use crate::http::idempotency::{Request, about, once};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Try a failed mail again, or one whose outcome nobody knows.
///
/// The person may then get a mail of unknown outcome twice.
#[utoipa::path(
    post, path = "/jobs/{id}/retry",
    params(
        ("id" = Uuid, Path, description = "The job's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless"),
    ),
    responses(
        (status = 200, description = "Queued again", body = Envelope<JobState>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: it has not failed", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let route = "POST /jobs/{id}/retry";
    // The path takes the body's place: the same key on another job is another request.
    let body_sha256 = about(id, None);
    let request = Request { caller: &caller, route, key, body_sha256, keep_answer: true };
    once(&http, request, async |command_id| {
        let context = caller.context(command_id);
        let done = http.commands.execute::<Email>(&context, EmailId(id), EmailCommand::Retry).await?;
        let answer = Answer::ok(&JobState::of(EmailId(id), &done.state))?;
        Ok(answer.at(done.position).version(done.position).message("it will be sent again"))
    })
    .await
}
