//! `POST /generated-certificates/{id}/revoke`

use axum::extract::State;
use uuid::Uuid;

use super::revocation::{RevocationRequest, Revoked};
use crate::domain::IssuanceId;
use crate::domain::certification::issuance::{CertificateRevoked, Issuance, IssuanceCommand};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{IdempotencyKey, Json, Path};
use crate::http::protocol::idempotency::{Request, about, once};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Revokes a generated certificate.
///
/// The public page then shows it as revoked, its PDF is no longer served, and unsent mails about it are not sent.
/// Nothing is deleted. If you generate the certificate for the same person again, a new one is created. A second
/// revocation changes nothing, and the first reason stays.
#[utoipa::path(
    post, path = "/generated-certificates/{id}/revoke", request_body = RevocationRequest,
    params(
        ("id" = Uuid, Path, description = "Id of the generated certificate"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key is not executed again"),
    ),
    responses(
        (status = 200, description = "The certificate is revoked", body = Envelope<Revoked>),
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
    // The id is hashed too, because the same key for another certificate is another request.
    let body_sha256 = about(id, Some(sha256));
    // The answer is not stored, because the note may name people. It can be made again from the log.
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
