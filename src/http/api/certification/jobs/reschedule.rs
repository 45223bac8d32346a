//! `PATCH /jobs/{id}`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::JobState;
use crate::domain::EmailId;
use crate::domain::certification::mail::{Email, EmailCommand};
use crate::http::api::certification::delivery::Delivery;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{IfMatch, Json, Path};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// New delivery of a waiting mail.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "delivery": { "at": "2026-12-01T09:00:00Z" } }))]
pub struct RescheduleRequest {
    /// The new delivery.
    delivery: Delivery,
}

/// Changes the delivery of a held or scheduled mail.
#[utoipa::path(
    patch, path = "/jobs/{id}", request_body = RescheduleRequest,
    params(
        ("id" = Uuid, Path, description = "The job's id"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that you read"),
    ),
    responses(
        (status = 200, description = "Changed; with `immediate`, the mail is released", body = Envelope<JobState>),
        (status = 400, description = "VALIDATION_ERROR: the time is invalid", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: the mail is no longer waiting", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: the resource has changed since you read it", body = ErrorEnvelope),
    )
)]
pub async fn reschedule_job(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
    Json { value, .. }: Json<RescheduleRequest>,
) -> Result<Answer, ApiError> {
    let delivery = value.delivery.checked(http.now())?;
    let known = http.commands.load::<Email>(id).await?;
    if known.state.mail.is_none() {
        return Err(ApiError::not_found("job"));
    }
    if_match.check(known.position)?;
    let context = caller.context(http.random_id().into());
    let command = EmailCommand::Reschedule(delivery);
    // Decided on the version that was just compared. If the log has newer events, the command is decided again on
    // them, and refused if the mail was released meanwhile.
    let done = http.commands.execute_assuming::<Email>(&context, id, known, command).await?;
    let answer = Answer::ok(&JobState::of(EmailId(id), &done.state))?;
    Ok(answer.at(done.position).version(done.position))
}
