//! `GET /batches/{id}/certificates.zip`

use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use super::{FilesQuery, answer};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Path, Query};
use crate::http::{ApiError, Caller, HttpState};
use crate::rendering::bundle::BundleKind;

/// Returns the certificates of a batch as a ZIP archive of PDFs.
///
/// A part has up to 5,000 certificates, in the order in which they were requested. Each file is named after the
/// person, with a number if several names are equal. Certificates without a PDF and revoked certificates are left
/// out; `X-Certificates-Missing` and the archive's entry `NOT_INCLUDED.txt` have their number.
#[utoipa::path(
    get, path = "/batches/{id}/certificates.zip",
    params(("id" = Uuid, Path, description = "The batch's id"), FilesQuery),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/zip"),
        (status = 400, description = "VALIDATION_ERROR: there is no such part", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "NOT_GENERATED: no certificate of this part has a PDF", body = ErrorEnvelope),
        (status = 429, description = "TOO_MANY_REQUESTS: another file is being written for you; see `Retry-After`", body = ErrorEnvelope),
        (status = 503, description = "BUSY: files of other batches are being written; see `Retry-After`", body = ErrorEnvelope),
    )
)]
pub async fn download_batch_zip(
    State(http): State<HttpState>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<FilesQuery>,
) -> Result<Response, ApiError> {
    answer(&http, &caller, id, &query, BundleKind::Zip).await
}
