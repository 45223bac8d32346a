//! Endpoints that cancel, retry and reschedule one job.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{JobDetail, answer};
use crate::commands::CommandContext;
use crate::commands::CommandError;
use crate::domain::certification::issuance::Issuance;
use crate::domain::certification::mail::{Mail, MailCommand};
use crate::domain::{MailId, Personal, Refusal};
use crate::http::api::certification::delivery::Delivery;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{IfMatch, Json, Path, not_null};
use crate::http::protocol::idempotency::{NO_BODY, Repeatable};
use crate::http::{Answer, ApiError, ErrorCode, HttpState};

/// Maximum length of a reason, in characters.
const MAX_REASON: usize = 500;

/// Reason for cancelling a mail.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "reason": "the certificate has a wrong name" }))]
pub struct CancelRequest {
    /// Reason, at most 500 characters.
    reason: Option<String>,
}

/// Cancels an unsent mail.
///
/// A mail that is being sent at the moment can't be cancelled. A cancelled job can't be resumed. To
/// create another job, use `POST /generated-certificates/{id}/send-email`.
#[utoipa::path(
    post, path = "/jobs/{id}/cancel", request_body = Option<CancelRequest>,
    params(
        IfMatch,
        Repeatable,
    ),
    responses(
        (status = 200, description = "Cancelled, now or before", body = Envelope<JobDetail>),
        (status = 409, description = "WRONG_STATE: the mail was sent or is being sent"),
        (status = 422, description = "VALIDATION_ERROR: the reason is too long"),
    )
)]
pub async fn cancel_job(
    State(http): State<HttpState>,
    write: Repeatable,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
    body: Option<Json<CancelRequest>>,
) -> Result<Answer, ApiError> {
    let Json { value, sha256 } = body.unwrap_or_default();
    write
        .once_unstored(&http, sha256, async |context| {
            let cancel = MailCommand::Cancel {
                reason: reason(value.reason)?,
            };
            let done = http.change::<Mail>(&context, id, &if_match, cancel).await?;
            let answer = answer(&http, MailId(id), done.position).await?;
            Ok(answer.at(done.position).message("it will not be sent"))
        })
        .await
}

/// Checks the reason. If it is absent, returns an empty text.
pub(super) fn reason(text: Option<String>) -> Result<Personal<String>, ApiError> {
    let text = text.unwrap_or_default();
    if text.chars().count() > MAX_REASON || text.contains('\0') {
        return Err(ApiError::field(
            "reason",
            format!("give at most {MAX_REASON} characters, without NUL"),
        ));
    }
    Ok(text.into())
}

/// Retries a failed mail, or a mail with an unknown outcome.
///
/// If the outcome of the mail is unknown, the person may get it twice. A certificate that could not
/// be drawn has no mail and no job. In this case, correct the problem that its `failure` describes,
/// and generate the certificate for the same person again.
#[utoipa::path(
    post, path = "/jobs/{id}/retry",
    params(
        IfMatch,
        Repeatable,
    ),
    responses(
        (status = 200, description = "Queued again", body = Envelope<JobDetail>),
        (status = 409, description = "WRONG_STATE: the mail has not failed, or the id is that of a generated certificate"),
    )
)]
pub async fn retry_job(
    State(http): State<HttpState>,
    write: Repeatable,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    write
        .once_unstored(&http, NO_BODY, async |context| {
            let done = http
                .change::<Mail>(&context, id, &if_match, MailCommand::Retry)
                .await;
            let done = match done {
                Err(CommandError::Refused(Refusal::NotFound(_))) => {
                    return Err(no_such_job(&http, id).await?);
                }
                done => done?,
            };
            let answer = answer(&http, MailId(id), done.position).await?;
            Ok(answer.at(done.position).message("it will be sent again"))
        })
        .await
}

/// Returns the error for an unknown job. If `id` is the id of a generated certificate, the message
/// says what to do instead.
async fn no_such_job(http: &HttpState, id: Uuid) -> Result<ApiError, ApiError> {
    let issuance = http.commands.load::<Issuance>(id).await?.state;
    let message = match (issuance.request, issuance.failure) {
        (None, _) => return Ok(ApiError::not_found("job")),
        (Some(_), Some(_)) => {
            "this is a generated certificate that could not be drawn; correct the problem that its failure describes, and \
             generate it for the same person again"
        }
        (Some(_), None) => {
            "this is a generated certificate; retry its job, or mail it again with send-email"
        }
    };
    Ok(ApiError::new(ErrorCode::WrongState, message))
}

/// Fields to change. Absent fields stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "delivery": { "at": "2026-12-01T09:00:00Z" } }))]
pub struct RescheduleRequest {
    /// The new delivery.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Delivery, required = false)]
    delivery: Option<Delivery>,
}

/// Changes the delivery of a held or scheduled mail.
#[utoipa::path(
    patch, path = "/jobs/{id}",
    params(IfMatch),
    responses(
        (status = 200, description = "Changed; with `immediate`, the mail is released", body = Envelope<JobDetail>),
        (status = 409, description = "WRONG_STATE: the mail is no longer waiting"),
        (status = 422, description = "VALIDATION_ERROR: the time is invalid"),
    )
)]
pub async fn reschedule_job(
    State(http): State<HttpState>,
    context: CommandContext,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
    Json { value, .. }: Json<RescheduleRequest>,
) -> Result<Answer, ApiError> {
    let delivery = value.delivery.map(|delivery| delivery.checked(&http));
    let delivery = delivery.transpose()?;
    let known = http.commands.load::<Mail>(id).await?;
    if known.state.mail.is_none() {
        return Err(ApiError::not_found("job"));
    }
    if_match.check(known.position)?;
    let Some(delivery) = delivery else {
        return answer(&http, MailId(id), known.position).await;
    };
    let command = MailCommand::Reschedule(delivery);
    // The command is decided on the version that was compared above. If the log contains newer
    // events, it is decided again, and refused if the mail has been released.
    let done = http
        .commands
        .execute_assuming::<Mail>(&context, id, known, command)
        .await?;
    let answer = answer(&http, MailId(id), done.position).await?;
    Ok(answer.at(done.position))
}
