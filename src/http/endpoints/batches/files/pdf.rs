//! `GET /batches/{id}/certificates.pdf`

use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use super::{FilesQuery, answer};
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{Path, Query};
use crate::http::{ApiError, Caller, HttpState};
use crate::workers::bundle::BundleKind;

/// The certificates of a batch as one PDF, for a printer.
///
/// A part has up to 1,000 certificates, in the order in which they were asked for. What the pages share is in the file
/// once. Those without a PDF and those that are revoked are left out; `X-Certificates-Missing` tells how many. The file
/// has no tags and no attachments: the issued PDFs do.
#[utoipa::path(
    get, path = "/batches/{id}/certificates.pdf",
    params(("id" = Uuid, Path, description = "The batch's id"), FilesQuery),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/pdf"),
        (status = 400, description = "VALIDATION_ERROR: there is no such part", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "NOT_GENERATED: no certificate of this part has a PDF", body = ErrorEnvelope),
        (status = 429, description = "TOO_MANY_REQUESTS: a file of a batch is being written for you; see Retry-After", body = ErrorEnvelope),
        (status = 503, description = "BUSY: files of other batches are being written; see Retry-After", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<FilesQuery>,
) -> Result<Response, ApiError> {
    answer(&http, &caller, id, &query, BundleKind::Pdf).await
}
