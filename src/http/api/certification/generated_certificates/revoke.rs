//! `POST /generated-certificates/{id}/revoke`

use axum::extract::State;
use uuid::Uuid;

use super::revocation::{RevocationRequest, Revoked};
use crate::domain::IssuanceId;
use crate::domain::certification::issuance::{CertificateRevoked, Issuance, IssuanceCommand};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Json, Path};
use crate::http::protocol::idempotency::Repeatable;
use crate::http::{Answer, ApiError, HttpState};

/// Revokes a generated certificate.
///
/// The public page then shows it as revoked, its PDF is no longer served, and unsent mails about it are not sent.
/// Nothing is deleted. If you generate the certificate for the same person again, a new one is created. A second
/// revocation changes nothing, and the first reason stays.
#[utoipa::path(
    post, path = "/generated-certificates/{id}/revoke", request_body = RevocationRequest,
    params(
        ("id" = Uuid, Path, description = "Id of the generated certificate"),
        Repeatable,
    ),
    responses(
        (status = 200, description = "The certificate is revoked", body = Envelope<Revoked>),
        (status = 400, description = "VALIDATION_ERROR, MALFORMED_JSON", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn revoke_issued_certificate(
    State(http): State<HttpState>,
    write: Repeatable,
    Path(id): Path<Uuid>,
    Json { value, sha256 }: Json<RevocationRequest>,
) -> Result<Answer, ApiError> {
    let (reason, note) = value.checked()?;
    // The answer is not stored, because the note may name people. It can be made again from the log.
    write
        .once_unstored(&http, sha256, async |command_id| {
            let why = CertificateRevoked { reason, note: note.clone(), batch_id: None };
            let context = write.caller.context(command_id);
            let command = IssuanceCommand::Revoke(why);
            let done = http.commands.execute::<Issuance>(&context, IssuanceId(id), command).await?;
            Ok(Answer::ok(&Revoked::of(id, done.state)?)?.at(done.position).version(done.position))
        })
        .await
}
