//! Download of an issued PDF by its public number.

use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, ETAG, LOCATION,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use headers::{HeaderMapExt as _, IfNoneMatch};

use super::disposition::attachment;
use super::ranges::{Wanted, wanted};
use super::{PublicState, public_state};
use crate::domain::IssuanceId;
use crate::domain::certification::file_name::attachment_file_name;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::{ApiError, ErrorCode, HttpState};
use crate::projection::queries::issuances::IssuanceRow;
use crate::rendering::RenderingError;
use crate::storage::ObjectKey;

/// A browser may use its copy only after the server has confirmed it, so a revocation takes effect
/// at once. Shared caches may not store the file, because some ignore this rule and the file is
/// personal.
const CACHED: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Returns the issued PDF. If the stored file is lost, the PDF is rendered again, with the same
/// bytes.
///
/// With `Range`, the response contains only the requested part. If the operator has configured
/// redirects, the response is a redirect to the file storage. The same path also works below the
/// API's prefix. Errors are HTML pages if `Accept` contains `text/html`.
#[utoipa::path(
    get, path = "/certificate/{publicId}/download",
    params(
        ("publicId" = String, Path, description = "The public id: 32 hex digits, or the number on the certificate", example = "00112233445566778899aabbccddeeff"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of the file that you have"),
        ("Range" = Option<String>, Header, description = "The requested part, such as `bytes=0-1023`"),
        ("If-Range" = Option<String>, Header, description = "The ETag of the file that you have a part of"),
    ),
    responses(
        (status = 200, description = "The PDF", body = Vec<u8>, content_type = "application/pdf"),
        (status = 206, description = "The part that `Range` requests", body = Vec<u8>, content_type = "application/pdf"),
        (status = 302, description = "Redirect to the PDF in the file storage; valid for one minute"),
        (status = 304, description = "`If-None-Match` matches the PDF"),
        (status = 404, description = "NOT_FOUND: no certificate with this id was issued here. NUMBER_MISTYPED: the number has a typing error", content((ErrorEnvelope = "application/json"), (String = "text/html"))),
        (status = 409, description = "NOT_GENERATED: the PDF does not exist yet", content((ErrorEnvelope = "application/json"), (String = "text/html"))),
        (status = 410, description = "CERTIFICATE_REVOKED: the issuer revoked the certificate", content((ErrorEnvelope = "application/json"), (String = "text/html"))),
        (status = 416, description = "RANGE_NOT_SATISFIABLE: the file has no such part"),
        (status = 500, description = "ISSUED_FILE_DIFFERS: the stored file is not the issued one"),
    )
)]
pub async fn download_certificate(
    State(http): State<HttpState>,
    Path(public_id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let row = super::find(&http, &public_id).await?;
    if public_state(&row) == PublicState::Revoked {
        return Err(RenderingError::Revoked.into());
    }
    let Some(sha256) = row.sha256.clone() else {
        let message =
            "the certificate was issued, but its PDF does not exist yet; try again in a minute";
        return Err(ApiError::new(ErrorCode::NotGenerated, message));
    };
    let etag = format!("\"{sha256}\"");
    if has(&headers, &etag) {
        let known = [(ETAG, header(etag)?), (CACHE_CONTROL, CACHED)];
        return Ok((StatusCode::NOT_MODIFIED, known).into_response());
    }
    if method == Method::GET {
        metrics::counter!("laureate_downloads_total").increment(1);
        if let Some(url) = elsewhere(&http, &row).await? {
            let to = [
                (LOCATION, header(url)?),
                (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            return Ok((StatusCode::FOUND, to).into_response());
        }
    }
    let pdf = issued(&http, &row).await?;
    let name = attachment_file_name(row.full_name.reveal_str());
    let described = [
        (CONTENT_TYPE, HeaderValue::from_static("application/pdf")),
        (CONTENT_DISPOSITION, header(attachment(&name))?),
        (ETAG, header(etag.clone())?),
        (ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (CACHE_CONTROL, CACHED),
    ];
    let size = pdf.len();
    let wanted = if method == Method::GET {
        wanted(&headers, size, &etag)
    } else {
        Wanted::Whole
    };
    Ok(match wanted {
        Wanted::Whole => (described, pdf).into_response(),
        Wanted::Part(part) => {
            let place = header(format!("bytes {}-{}/{size}", part.start, part.end - 1))?;
            let described = (described, [(CONTENT_RANGE, place)]);
            (StatusCode::PARTIAL_CONTENT, described, pdf.slice(part)).into_response()
        }
        Wanted::Nothing => {
            let place = [(CONTENT_RANGE, header(format!("bytes */{size}"))?)];
            let message = format!("the file has {size} bytes; request a range of these bytes");
            (
                place,
                ApiError::new(ErrorCode::RangeNotSatisfiable, message),
            )
                .into_response()
        }
    })
}

/// Returns the issued bytes, after checking them against their SHA-256.
async fn issued(http: &HttpState, row: &IssuanceRow) -> Result<Bytes, ApiError> {
    let pdf = http.rendering.issued_pdf(IssuanceId(row.id)).await?;
    pdf.ok_or_else(|| ApiError::internal("PDF missing in log"))
}

/// Returns a URL in the file storage if the operator has configured redirects. The file name in the
/// URL is that of the certificate, not that of the person, because URLs are written to logs.
async fn elsewhere(http: &HttpState, row: &IssuanceRow) -> Result<Option<String>, ApiError> {
    let Some(key) = row
        .object_key
        .as_deref()
        .filter(|_| http.storage.presigns_downloads())
    else {
        return Ok(None);
    };
    let key = ObjectKey::parse(key).map_err(ApiError::internal)?;
    if !http.storage.exists(&key).await? {
        // Renders the file again, checks it and stores it.
        issued(http, row).await?;
    }
    let disposition = attachment(&attachment_file_name(&row.certificate_name));
    Ok(http.storage.download_url(&key, &disposition).await?)
}

fn header(text: String) -> Result<HeaderValue, ApiError> {
    HeaderValue::try_from(text).map_err(ApiError::internal)
}

/// Returns true if `If-None-Match` matches `etag`.
fn has(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.typed_get::<IfNoneMatch>().zip(etag.parse().ok());
    known.is_some_and(|(known, etag)| !known.precondition_passes(&etag))
}

#[cfg(test)]
mod tests {
    use axum::http::header::IF_NONE_MATCH;

    use super::*;

    #[test]
    fn if_none_match_with_the_current_entity_tag_matches() {
        let asks = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, value.parse().unwrap());
            has(&headers, "\"ab\"")
        };
        assert!(asks("\"ab\"") && asks("W/\"ab\"") && asks("\"x\", \"ab\"") && asks("*"));
        assert!(!asks("\"x\"") && !asks("ab"));
        assert!(!has(&HeaderMap::new(), "\"ab\""));
    }
}
