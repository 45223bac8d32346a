//! `GET /batches/{id}/certificates.pdf`

use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use super::{FilesQuery, answer};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Path, Query};
use crate::http::{ApiError, Caller, HttpState};
use crate::rendering::bundle::BundleKind;

/// Returns the certificates of a batch as one PDF for printing.
///
/// A part has up to 1,000 certificates, in the order in which they were requested. Objects that the pages share are
/// stored once. Certificates without a PDF and revoked certificates are left out; `X-Certificates-Missing` has their
/// number. The file has no tags and no attachments; the issued PDFs have both.
#[utoipa::path(
    get, path = "/batches/{id}/certificates.pdf",
    params(("id" = Uuid, Path, description = "The batch's id"), FilesQuery),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/pdf"),
        (status = 400, description = "VALIDATION_ERROR: there is no such part", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "NOT_GENERATED: no certificate of this part has a PDF", body = ErrorEnvelope),
        (status = 429, description = "TOO_MANY_REQUESTS: another file is being written for you; see `Retry-After`", body = ErrorEnvelope),
        (status = 503, description = "BUSY: files of other batches are being written; see `Retry-After`", body = ErrorEnvelope),
    )
)]
pub async fn download_batch_pdf(
    State(http): State<HttpState>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<FilesQuery>,
) -> Result<Response, ApiError> {
    answer(&http, &caller, id, &query, BundleKind::Pdf).await
}
