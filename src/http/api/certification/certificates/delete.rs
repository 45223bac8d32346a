//! `DELETE /certificates/{id}`

use axum::extract::State;
use uuid::Uuid;

use crate::domain::CertificateId;
use crate::domain::certification::certificate::{Certificate, CertificateCommand};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::deleting::{Deleted, check_unused};
use crate::http::protocol::extract::{IfMatch, Path};
use crate::http::{Answer, ApiError, Caller, HttpState};
use crate::projection::queries::issuances::IssuanceFilter;

/// Deletes a certificate that was never issued.
#[utoipa::path(
    delete, path = "/certificates/{id}",
    params(
        ("id" = Uuid, Path, description = "The certificate's id"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that you read"),
    ),
    responses(
        (status = 200, description = "Deleted", body = Envelope<Deleted>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "IN_USE: the certificate was issued; deactivate it instead", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: the resource has changed since you read it", body = ErrorEnvelope),
    )
)]
pub async fn delete_certificate(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let issued = IssuanceFilter { certificate_id: Some(id), ..IssuanceFilter::default() };
    check_unused(&http, issued, "this certificate was issued", "switch it off instead").await?;
    let context = caller.context(http.random_id().into());
    let delete = |_: &_| Ok(CertificateCommand::Delete);
    let id = CertificateId(id);
    let done = http.commands.change::<Certificate>(&context, id, &if_match.versions(), delete).await?;
    Ok(Answer::ok(&Deleted { id: id.0 })?.message("it was deleted").at(done.position))
}
