//! `GET /certificate/{publicId}/download`

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::disposition::attachment;
use crate::domain::IssuanceId;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::Path;
use crate::http::{ApiError, ErrorCode, HttpState};
use crate::mail::attachment_file_name;
use crate::workers::renderer::RenderingError;

/// The PDF as it was issued, made again if its file is gone. Its bytes never change.
#[utoipa::path(
    get, path = "/certificate/{publicId}/download",
    params(
        ("publicId" = String, Path, description = "The public id, 32 hex digits"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of the file that you have"),
    ),
    responses(
        (status = 200, description = "The PDF", body = Vec<u8>, content_type = "application/pdf"),
        (status = 304, description = "You have it"),
        (status = 404, description = "NOT_FOUND: no certificate of this id was issued here", body = ErrorEnvelope),
        (status = 409, description = "NOT_GENERATED: there is no PDF yet", body = ErrorEnvelope),
        (status = 410, description = "CERTIFICATE_REVOKED: it doesn't count any more", body = ErrorEnvelope),
        (status = 500, description = "ISSUED_FILE_DIFFERS: the stored file is not the issued one", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Path(public_id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let row = super::find(&http, &public_id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("certificate here; check the address"))?;
    if row.state == "revoked" {
        return Err(RenderingError::Revoked.into());
    }
    let Some(sha256) = row.sha256 else {
        let message = "the certificate was issued, but its PDF is not there yet; try again in a minute";
        return Err(ApiError::new(ErrorCode::NotGenerated, message));
    };
    let etag = format!("\"{sha256}\"");
    let cache = "public, max-age=300";
    if has(&headers, &etag) {
        return Ok(
            (StatusCode::NOT_MODIFIED, [(ETAG, etag), (CACHE_CONTROL, cache.to_owned())]).into_response()
        );
    }
    let pdf = http.rendering.issued_pdf(IssuanceId(row.id)).await?;
    let pdf = pdf.ok_or_else(|| ApiError::internal("the query tables know a PDF that the log does not"))?;
    let name = attachment_file_name(row.full_name.reveal_str());
    metrics::counter!("laureate_downloads_total").increment(1);
    let headers = [
        (CONTENT_TYPE, "application/pdf".to_owned()),
        (CONTENT_DISPOSITION, attachment(&name)),
        (ETAG, etag),
        (CACHE_CONTROL, cache.to_owned()),
    ];
    Ok((headers, pdf).into_response())
}

/// Whether the client has this version (RFC 9110 §13.1.2: weak comparison).
fn has(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|text| text.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_version_is_not_sent_again() {
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
