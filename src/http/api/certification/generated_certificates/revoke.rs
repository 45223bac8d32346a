//! Endpoints that revoke an issued certificate.

use axum::extract::State;
use uuid::Uuid;

use super::IssuanceAnswer;
use super::revocation::RevocationRequest;
use crate::commands::mails::mails_about;
use crate::domain::IssuanceId;
use crate::domain::certification::issuance::{
    CertificateRevoked, Issuance, IssuanceCommand, WhyRevoked,
};
use crate::event_log::Position;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{IfMatch, Json, Path};
use crate::http::protocol::idempotency::Repeatable;
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Revokes a generated certificate.
///
/// The public page then shows the certificate as revoked, its PDF is no longer available, and
/// unsent mails about it are cancelled. Nothing is deleted. If you generate the certificate for the
/// same person again, a new one is created. If the certificate is already revoked, the request has
/// no effect, and the first reason is kept.
#[utoipa::path(
    post, path = "/generated-certificates/{id}/revoke", request_body = RevocationRequest,
    params(
        ("id" = Uuid, Path, description = "Id of the generated certificate"),
        IfMatch,
        Repeatable,
    ),
    responses(
        (status = 200, description = "The certificate is revoked", body = Envelope<IssuanceAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn revoke_issued_certificate(
    State(http): State<HttpState>,
    write: Repeatable,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
    Json { value, sha256 }: Json<RevocationRequest>,
) -> Result<Answer, ApiError> {
    let (reason, note) = value.checked()?;
    // The response is not stored, because the note may contain names of people. It can be created
    // again from the log.
    write
        .once_unstored(&http, sha256, async |command_id| {
            let why = CertificateRevoked {
                reason,
                note: note.clone(),
                batch_id: None,
            };
            let context = write.caller.context(command_id);
            let versions = if_match.versions();
            let revoke = |_: &_| Ok(IssuanceCommand::Revoke(why.clone()));
            let done = http
                .commands
                .change::<Issuance>(&context, IssuanceId(id), &versions, revoke)
                .await?;
            let answer = answer(&http, IssuanceId(id), done.position).await?;
            Ok(answer.at(done.position))
        })
        .await
}

/// Revokes a generated certificate with the reason `withdrawn`.
///
/// The certificate is not deleted. The API and the public page still show it, as revoked, because
/// there may be copies of its PDF.
#[utoipa::path(
    delete, path = "/generated-certificates/{id}",
    params(
        ("id" = Uuid, Path, description = "Id of the generated certificate"),
        IfMatch,
    ),
    responses(
        (status = 200, description = "The certificate is revoked", body = Envelope<IssuanceAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn revoke_issued_certificate_by_delete(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let context = caller.context(http.random_id().into());
    let revoke = |_: &_| {
        let why = CertificateRevoked {
            reason: WhyRevoked::Withdrawn,
            note: None,
            batch_id: None,
        };
        Ok(IssuanceCommand::Revoke(why))
    };
    let issuance = IssuanceId(id);
    let versions = if_match.versions();
    let done = http
        .commands
        .change::<Issuance>(&context, issuance, &versions, revoke)
        .await?;
    let answer = answer(&http, issuance, done.position).await?;
    Ok(answer.at(done.position))
}

/// Returns the certificate in this version.
async fn answer(http: &HttpState, id: IssuanceId, version: Position) -> Result<Answer, ApiError> {
    let history = http.commands.history::<Issuance>(id, version).await?;
    let mails = mails_about(&http.commands, id).await?;
    let answer = Answer::ok(&IssuanceAnswer::of_history(
        http,
        id,
        history,
        mails.is_sent,
    )?)?;
    Ok(answer.version_with(version, mails.position))
}
