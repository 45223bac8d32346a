//! `GET /attendees/{id}`

use axum::extract::State;
use uuid::Uuid;

use super::AttendeeAnswer;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::attendees;

/// Returns one person.
#[utoipa::path(
    get, path = "/attendees/{id}", params(
        ("id" = Uuid, Path, description = "The attendee's id"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the version that you have"),
    ),
    responses(
        (status = 200, description = "The person", body = Envelope<AttendeeAnswer>),
        (status = 304, description = "`If-None-Match` matches the current version"),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_attendee(State(http): State<HttpState>, Path(id): Path<Uuid>) -> Result<Answer, ApiError> {
    let row = attendees::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("attendee"))?;
    let version = position(row.position)?;
    Ok(Answer::ok(&AttendeeAnswer::from(row))?.version(version))
}
