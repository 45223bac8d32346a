//! `POST /jobs/{id}/retry`

use axum::extract::State;
use uuid::Uuid;

use super::JobState;
use crate::commands::CommandError;
use crate::domain::certification::issuance::Issuance;
use crate::domain::certification::mail::{Email, EmailCommand};
use crate::domain::{EmailId, Refusal};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{IdempotencyKey, Path};
use crate::http::protocol::idempotency::{Request, about, once};
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};

/// Retries a failed mail, or a mail with an unknown outcome.
///
/// The person may get a mail with an unknown outcome twice. A certificate that could not be drawn has no mail and no
/// job: correct the problem that its `failure` names, and generate it for the same person again.
#[utoipa::path(
    post, path = "/jobs/{id}/retry",
    params(
        ("id" = Uuid, Path, description = "The job's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key is not executed again"),
    ),
    responses(
        (status = 200, description = "Queued again", body = Envelope<JobState>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: the mail has not failed, or the id is that of a generated certificate", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let route = "POST /jobs/{id}/retry";
    // The hash of the id replaces that of a body, so the same key with another job is another request.
    let body_sha256 = about(id, None);
    let request = Request { caller: &caller, route, key, body_sha256, keep_answer: true };
    once(&http, request, async |command_id| {
        let context = caller.context(command_id);
        let done = match http.commands.execute::<Email>(&context, EmailId(id), EmailCommand::Retry).await {
            Err(CommandError::Refused(Refusal::NotFound(_))) => return Err(no_such_job(&http, id).await?),
            done => done?,
        };
        let answer = Answer::ok(&JobState::of(EmailId(id), &done.state))?;
        Ok(answer.at(done.position).version(done.position).message("it will be sent again"))
    })
    .await
}

/// Returns the error for an unknown job. If `id` is that of a generated certificate, the message gives the
/// alternative.
async fn no_such_job(http: &HttpState, id: Uuid) -> Result<ApiError, ApiError> {
    let issuance = http.commands.load::<Issuance>(id).await?.state;
    let message = match (issuance.request, issuance.failure) {
        (None, _) => return Ok(ApiError::not_found("job")),
        (Some(_), Some(_)) => {
            "this is a generated certificate that could not be drawn; put right what its failure names, and \
             generate it for the same person again"
        }
        (Some(_), None) => "this is a generated certificate; retry its job, or mail it again with send-email",
    };
    Ok(ApiError::new(ErrorCode::WrongState, message))
}
