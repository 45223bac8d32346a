//! `POST /generated-certificates/{id}/revoke`

use axum::extract::State;
use uuid::Uuid;

use super::revocation::{RevocationRequest, Revoked};
use crate::domain::IssuanceId;
use crate::domain::issuance::{CertificateRevoked, Issuance, IssuanceCommand};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{IdempotencyKey, Json, Path};
use crate::http::idempotency::{Request, about, once};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Revoke a certificate.
///
/// The public page says so from then on, the PDF is not given out any more, and a mail that is not sent
/// yet is not sent. Nothing is deleted. Generating for the same person again makes a new certificate.
/// Revoking twice changes nothing: the first reason stays.
#[utoipa::path(
    post, path = "/generated-certificates/{id}/revoke", request_body = RevocationRequest,
    params(
        ("id" = Uuid, Path, description = "The generated certificate's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless"),
    ),
    responses(
        (status = 200, description = "It is revoked", body = Envelope<Revoked>),
        (status = 400, description = "VALIDATION_ERROR, MALFORMED_JSON", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Path(id): Path<Uuid>,
    Json { value, sha256 }: Json<RevocationRequest>,
) -> Result<Answer, ApiError> {
    let (reason, note) = value.checked()?;
    let route = "POST /generated-certificates/{id}/revoke";
    // The path is a part of what is asked: the same key on another certificate is another request.
    let body_sha256 = about(id, Some(sha256));
    // The note may name people, so the answer is not kept; the log finds it again.
    let request = Request { caller: &caller, route, key, body_sha256, keep_answer: false };
    once(&http, request, async |command_id| {
        let why = CertificateRevoked { reason, note: note.clone(), batch_id: None };
        let context = caller.context(command_id);
        let command = IssuanceCommand::Revoke(why);
        let done = http.commands.execute::<Issuance>(&context, IssuanceId(id), command).await?;
        Ok(Answer::ok(&Revoked::of(id, done.state)?)?.at(done.position).version(done.position))
    })
    .await
}
