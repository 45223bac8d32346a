//! All certificates of a batch as one file, in parts.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::read::found;
use crate::domain::IssuanceId;
use crate::http::protocol::extract::{Path, Query};
use crate::http::protocol::pieces::streamed;
use crate::http::{ApiError, Caller, ErrorCode, HttpState};
use crate::projection::queries::issuances;
use crate::rendering::bundle::{Bundle, BundleKind};

/// Largest number of certificates in one part of the ZIP archive.
const ZIP_PART: i64 = 5_000;
/// Largest number of certificates in one part of the PDF. Printer queues accept a file of this
/// size.
const PDF_PART: i64 = 1_000;
/// Value of `Retry-After` if no file can be written at the moment.
const LATER: Duration = Duration::from_secs(60);

/// Response header with the number of certificates in the file.
const INCLUDED: HeaderName = HeaderName::from_static("x-certificates");
/// Response header with the number of certificates of this part that have no PDF or are revoked.
const MISSING: HeaderName = HeaderName::from_static("x-certificates-missing");
/// Response header with the number of parts of the batch.
const PARTS: HeaderName = HeaderName::from_static("x-parts");

/// Query parameters of the endpoints for the files of a batch.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FilesQuery {
    /// Number of the part, from 1. The default is 1. The header `X-Parts` contains the number of
    /// parts.
    #[param(minimum = 1)]
    part: Option<u32>,
}

/// Returns one part of a batch as a file. The file is sent while it is being written.
async fn answer(
    http: &HttpState,
    caller: &Caller,
    batch: Uuid,
    query: &FilesQuery,
    kind: BundleKind,
) -> Result<Response, ApiError> {
    let (of_part, media_type, extension) = match kind {
        BundleKind::Zip => (ZIP_PART, "application/zip", "zip"),
        BundleKind::Pdf => (PDF_PART, "application/pdf", "pdf"),
    };
    let Some(of_user) = http.bundles_of_user.take(caller.user_id, 1) else {
        let message = "a file of a batch is being written for you; wait until it is complete";
        return Err(ApiError::new(ErrorCode::TooManyRequests, message).retry_after(LATER));
    };
    let slot = http.bundle_slots.clone().try_acquire_owned().map_err(|_| {
        let message = "files of other batches are being written; try again in a minute";
        ApiError::new(ErrorCode::Busy, message).retry_after(LATER)
    })?;
    let part = i64::from(query.part.unwrap_or(1));
    let parts = parts_of(found(http, batch).await?.progress.issued, of_part);
    if !(1..=parts).contains(&part) {
        let problem = format!("this batch has the parts 1 to {parts}");
        return Err(ApiError::field("part", problem));
    }
    let database = http.database().await?;
    let rows = issuances::batch_files(&database, batch, (part - 1) * of_part, of_part).await?;
    drop(database);
    let all = rows.len();
    let certificates: Vec<_> = rows
        .into_iter()
        .filter(|row| row.has_file)
        .map(|row| (IssuanceId(row.id), row.full_name))
        .collect();
    let included = certificates.len();
    let missing = all - certificates.len();
    if included == 0 {
        let message =
            "no certificate of this part has a PDF, or all are revoked; see the batch's progress";
        return Err(ApiError::new(ErrorCode::NotGenerated, message));
    }
    let bundle = Bundle {
        kind,
        certificates,
        missing,
        date: http.now().date(),
    };
    let pieces = streamed(bundle.write(http.rendering.clone(), slot), of_user);
    let number = if parts > 1 {
        format!("_{part}")
    } else {
        String::new()
    };
    let name = format!("attachment; filename=\"certificates_{batch}{number}.{extension}\"");
    let described = [
        (CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (
            CONTENT_DISPOSITION,
            HeaderValue::try_from(name).map_err(ApiError::internal)?,
        ),
        (INCLUDED, HeaderValue::from(included)),
        (MISSING, HeaderValue::from(missing)),
        (PARTS, HeaderValue::from(parts)),
    ];
    Ok((described, Body::from_stream(pieces)).into_response())
}

/// Returns the number of parts. A batch without certificates has one empty part.
const fn parts_of(certificates: i64, of_part: i64) -> i64 {
    if certificates <= of_part {
        1
    } else {
        (certificates + of_part - 1) / of_part
    }
}

/// Returns the certificates of a batch as a ZIP archive of PDFs.
///
/// A part has up to 5,000 certificates, in the order in which they were requested. Each file has
/// the name of the person, with a number if several people have the same name. Certificates without
/// a PDF and revoked certificates are not included. The header `X-Certificates-Missing` and the
/// entry `NOT_INCLUDED.txt` of the archive contain their number.
#[utoipa::path(
    get, path = "/batches/{id}/certificates.zip",
    params(FilesQuery),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/zip"),
        (status = 409, description = "NOT_GENERATED: no certificate of this part has a PDF"),
        (status = 422, description = "VALIDATION_ERROR: there is no such part"),
        (status = 429, description = "TOO_MANY_REQUESTS: another file is being written for you; see `Retry-After`"),
        (status = 503, description = "BUSY: files of other batches are being written; see `Retry-After`"),
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

/// Returns the certificates of a batch as one PDF for printing.
///
/// A part has up to 1,000 certificates, in the order in which they were requested. Objects that
/// several pages use are stored once. Certificates without a PDF and revoked certificates are not
/// included. The header `X-Certificates-Missing` contains their number. Unlike the issued PDFs, the
/// file has no tags and no attachments.
#[utoipa::path(
    get, path = "/batches/{id}/certificates.pdf",
    params(FilesQuery),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/pdf"),
        (status = 409, description = "NOT_GENERATED: no certificate of this part has a PDF"),
        (status = 422, description = "VALIDATION_ERROR: there is no such part"),
        (status = 429, description = "TOO_MANY_REQUESTS: another file is being written for you; see `Retry-After`"),
        (status = 503, description = "BUSY: files of other batches are being written; see `Retry-After`"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_pdf_parts_is_rounded_up() {
        for (certificates, parts) in [
            (0, 1),
            (1, 1),
            (1_000, 1),
            (1_001, 2),
            (10_000, 10),
            (10_001, 11),
        ] {
            assert_eq!(parts_of(certificates, PDF_PART), parts, "{certificates}");
        }
    }
}
