//! Endpoints that show certificates.

use axum::extract::State;
use uuid::Uuid;

use super::CertificateAnswer;
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::extract::{ListQuery, Path};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::certificates::{self, CertificateRow};

/// Returns one certificate.
#[utoipa::path(
    get, path = "/certificates/{id}",
    responses(
        (status = 200, description = "The certificate", body = Envelope<CertificateAnswer>),
    )
)]
pub async fn get_certificate(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = http.find::<CertificateRow>("certificate", id).await?;
    let version = position(row.position)?;
    Ok(Answer::ok(&CertificateAnswer::of_row(&http, row))?.version(version))
}

/// Lists certificates, newest first by default.
#[utoipa::path(
    get, path = "/certificates", params(ListQuery<CertificateRow>),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<CertificateAnswer>),
    )
)]
pub async fn list_certificates(
    State(http): State<HttpState>,
    query: ListQuery<CertificateRow>,
) -> Result<Answer, ApiError> {
    let shown = |row| CertificateAnswer::of_row(&http, row);
    query.answer(&http, shown).await
}

/// Lists active certificates, which can be issued. The newest certificate comes first by default.
#[utoipa::path(
    get, path = "/certificates/active", params(ListQuery<CertificateRow>),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<CertificateAnswer>),
    )
)]
pub async fn list_active_certificates(
    State(http): State<HttpState>,
    query: ListQuery<CertificateRow>,
) -> Result<Answer, ApiError> {
    let shown = |row| CertificateAnswer::of_row(&http, row);
    let active = query.restricted(certificates::active);
    active.answer(&http, shown).await
}
