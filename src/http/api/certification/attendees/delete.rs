//! `DELETE /attendees/{id}`

use axum::extract::State;
use uuid::Uuid;

use crate::commands::attendee;
use crate::domain::AttendeeId;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::deleting::{Deleted, check_unused};
use crate::http::protocol::extract::{IfMatch, Path};
use crate::http::{Answer, ApiError, Caller, HttpState};
use crate::projection::queries::issuances::IssuanceFilter;

/// Deletes a person to whom no certificate was issued.
///
/// Another person can use the e-mail address and the document number at once.
#[utoipa::path(
    delete, path = "/attendees/{id}",
    params(
        ("id" = Uuid, Path, description = "The attendee's id"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that you read"),
    ),
    responses(
        (status = 200, description = "Deleted", body = Envelope<Deleted>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "IN_USE: a certificate was issued to this person", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: the resource has changed since you read it", body = ErrorEnvelope),
    )
)]
pub async fn delete_attendee(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let issued = IssuanceFilter { attendee_id: Some(id), ..IssuanceFilter::default() };
    check_unused(&http, issued, "this person was issued a certificate", "what was issued stays").await?;
    let (claim_key, context) = (http.claim_key.reveal().as_bytes(), caller.context(http.random_id().into()));
    let versions = if_match.versions();
    let done = attendee::delete(&http.commands, claim_key, &context, AttendeeId(id), &versions).await?;
    Ok(Answer::ok(&Deleted { id })?.message("the person was deleted").at(done.position))
}
