//! Endpoints that revoke an issued certificate.

use axum::extract::State;
use uuid::Uuid;

use super::IssuanceAnswer;
use super::revocation::RevocationRequest;
use crate::commands::CommandContext;
use crate::commands::mails::mails_about;
use crate::domain::certification::issuance::{
    CertificateRevoked, Issuance, IssuanceCommand, WhyRevoked,
};
use crate::domain::{IssuanceId, Personal};
use crate::event_log::Position;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{IfMatch, Json, Path};
use crate::http::protocol::idempotency::Repeatable;
use crate::http::{Answer, ApiError, HttpState};

/// Revokes a generated certificate.
///
/// The public page then shows the certificate as revoked, its PDF is no longer available, and
/// unsent mails about it are cancelled. Nothing is deleted. If you generate the certificate for the
/// same person again, a new one is created. If the certificate is already revoked, the request has
/// no effect, and the first reason is kept.
#[utoipa::path(
    post, path = "/generated-certificates/{id}/revoke",
    params(
        IfMatch,
        Repeatable,
    ),
    responses(
        (status = 200, description = "The certificate is revoked", body = Envelope<IssuanceAnswer>),
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
        .once_unstored(&http, sha256, async |context| {
            revoke(&http, &context, id, &if_match, reason, note.clone()).await
        })
        .await
}

/// Revokes a generated certificate with the reason `withdrawn`.
///
/// The certificate is not deleted. The API and the public page still show it, as revoked, because
/// there may be copies of its PDF.
#[utoipa::path(
    delete, path = "/generated-certificates/{id}",
    params(IfMatch),
    responses(
        (status = 200, description = "The certificate is revoked", body = Envelope<IssuanceAnswer>),
    )
)]
pub async fn revoke_issued_certificate_by_delete(
    State(http): State<HttpState>,
    context: CommandContext,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    revoke(&http, &context, id, &if_match, WhyRevoked::Withdrawn, None).await
}

async fn revoke(
    http: &HttpState,
    context: &CommandContext,
    id: Uuid,
    if_match: &IfMatch,
    reason: WhyRevoked,
    note: Option<Personal<String>>,
) -> Result<Answer, ApiError> {
    let why = CertificateRevoked {
        reason,
        note,
        batch_id: None,
    };
    let revoke = IssuanceCommand::Revoke(why);
    let done = http
        .change::<Issuance>(context, id, if_match, revoke)
        .await?;
    let answer = answer(http, IssuanceId(id), done.position).await?;
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
