//! `POST /jobs/{id}/cancel`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::JobState;
use crate::domain::certification::mail::{Email, EmailCommand};
use crate::domain::{EmailId, Personal};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Json, Path};
use crate::http::protocol::idempotency::Repeatable;
use crate::http::{Answer, ApiError, HttpState};

/// Maximum length of a reason, in characters.
const MAX_REASON: usize = 500;

/// Reason for cancelling a mail.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "reason": "the certificate has a wrong name" }))]
pub struct CancelRequest {
    /// Reason, at most 500 characters.
    #[serde(default)]
    reason: Option<String>,
}

/// Cancels an unsent mail.
///
/// A mail that is being sent at this moment cannot be cancelled. A cancelled job stays cancelled. To create another
/// job, use `POST /generated-certificates/{id}/send-email`.
#[utoipa::path(
    post, path = "/jobs/{id}/cancel", request_body = Option<CancelRequest>,
    params(
        ("id" = Uuid, Path, description = "The job's id"),
        Repeatable,
    ),
    responses(
        (status = 200, description = "Cancelled, now or before", body = Envelope<JobState>),
        (status = 400, description = "VALIDATION_ERROR: the reason is too long", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: the mail was sent or is being sent", body = ErrorEnvelope),
    )
)]
pub async fn cancel_job(
    State(http): State<HttpState>,
    write: Repeatable,
    Path(id): Path<Uuid>,
    body: Option<Json<CancelRequest>>,
) -> Result<Answer, ApiError> {
    let Json { value, sha256 } = body.unwrap_or_default();
    write
        .once(&http, sha256, async |command_id| {
            let cancel = EmailCommand::Cancel { reason: reason(value.reason)? };
            let done = http
                .commands
                .execute::<Email>(&write.caller.context(command_id), EmailId(id), cancel)
                .await?;
            let answer = Answer::ok(&JobState::of(EmailId(id), &done.state))?;
            Ok(answer.at(done.position).version(done.position).message("it will not be sent"))
        })
        .await
}

/// Checks the reason. An absent reason becomes an empty text.
pub(super) fn reason(text: Option<String>) -> Result<Personal<String>, ApiError> {
    let text = text.unwrap_or_default();
    if text.chars().count() > MAX_REASON || text.contains('\0') {
        return Err(ApiError::field("reason", format!("give at most {MAX_REASON} characters, without NUL")));
    }
    Ok(text.into())
}
