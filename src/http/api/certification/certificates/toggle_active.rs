//! `PUT /certificates/{id}/toggle-active`

use axum::extract::State;
use uuid::Uuid;

use super::CertificateAnswer;
use crate::domain::certification::certificate::{Certificate, CertificateCommand, CertificateState};
use crate::domain::{CertificateId, Refusal};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{IfMatch, Path};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Deactivates an active certificate, or activates an inactive one.
///
/// An inactive certificate cannot be issued. Certificates that were issued before do not change.
#[utoipa::path(
    put, path = "/certificates/{id}/toggle-active",
    params(
        ("id" = Uuid, Path, description = "The certificate's id"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that you read"),
    ),
    responses(
        (status = 200, description = "The changed certificate", body = Envelope<CertificateAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: the resource has changed since you read it", body = ErrorEnvelope),
    )
)]
pub async fn toggle_certificate(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = CertificateId(id);
    let context = caller.context(http.random_id().into());
    let toggle = |known: &CertificateState| match &known.0 {
        Some(definition) if definition.is_active => Ok(CertificateCommand::Deactivate),
        Some(_) => Ok(CertificateCommand::Activate),
        None => Err(Refusal::NotFound("certificate")),
    };
    let done = http.commands.change::<Certificate>(&context, id, &if_match.versions(), toggle).await?;
    let now = done.state.0.ok_or_else(|| ApiError::not_found("certificate"))?;
    let message = if now.is_active { "it can be issued again" } else { "it can't be issued any more" };
    let answer = Answer::ok(&CertificateAnswer::of_state(&http, id, now))?;
    Ok(answer.message(message).at(done.position).version(done.position))
}
