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
use crate::http::protocol::extract::Path;
use crate::http::protocol::idempotency::{NO_BODY, Repeatable};
use crate::http::{Answer, ApiError, ErrorCode, HttpState};

/// Retries a failed mail, or a mail with an unknown outcome.
///
/// The person may get a mail with an unknown outcome twice. A certificate that could not be drawn has no mail and no
/// job: correct the problem that its `failure` names, and generate it for the same person again.
#[utoipa::path(
    post, path = "/jobs/{id}/retry",
    params(
        ("id" = Uuid, Path, description = "The job's id"),
        Repeatable,
    ),
    responses(
        (status = 200, description = "Queued again", body = Envelope<JobState>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: the mail has not failed, or the id is that of a generated certificate", body = ErrorEnvelope),
    )
)]
pub async fn retry_job(
    State(http): State<HttpState>,
    write: Repeatable,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    write
        .once(&http, NO_BODY, async |command_id| {
            let context = write.caller.context(command_id);
            let done = match http.commands.execute::<Email>(&context, EmailId(id), EmailCommand::Retry).await
            {
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
