//! `GET /certificates/{id}`

use axum::extract::State;
use uuid::Uuid;

use super::CertificateAnswer;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::certificates;

/// Returns one certificate.
#[utoipa::path(
    get, path = "/certificates/{id}", params(
        ("id" = Uuid, Path, description = "The certificate's id"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the version that you have"),
    ),
    responses(
        (status = 200, description = "The certificate", body = Envelope<CertificateAnswer>),
        (status = 304, description = "`If-None-Match` matches the current version"),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_certificate(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = certificates::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("certificate"))?;
    let version = position(row.position)?;
    Ok(Answer::ok(&CertificateAnswer::of_row(&http, row))?.version(version))
}
