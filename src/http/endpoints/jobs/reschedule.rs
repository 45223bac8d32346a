//! `PATCH /jobs/{id}`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::JobState;
use crate::domain::EmailId;
use crate::domain::email::{Email, EmailCommand};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::delivery::Delivery;
use crate::http::extract::{IfMatch, Json, Path};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// What a waiting mail is to wait for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "delivery": { "at": "2026-12-01T09:00:00Z" } }))]
pub struct RescheduleRequest {
    /// When it may go out.
    delivery: Delivery,
}

/// Let a held or scheduled mail wait for something else, or go.
#[utoipa::path(
    patch, path = "/jobs/{id}", request_body = RescheduleRequest,
    params(
        ("id" = Uuid, Path, description = "The job's id"),
        ("If-Match" = Option<String>, Header, description = "The ETag that you know"),
    ),
    responses(
        (status = 200, description = "It waits for that, or is on its way", body = Envelope<JobState>),
        (status = 400, description = "VALIDATION_ERROR: a time that can't be meant", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: it doesn't wait any more", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: it has changed since you read it", body = ErrorEnvelope),
    )
)]
pub async fn handle(
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
    // On what was just compared; where the log has more, it is decided anew, and a release is refused.
    let done = http.commands.execute_assuming::<Email>(&context, id, known, command).await?;
    let answer = Answer::ok(&JobState::of(EmailId(id), &done.state))?;
    Ok(answer.at(done.position).version(done.position))
}
