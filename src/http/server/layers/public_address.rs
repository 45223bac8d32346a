//! Canonical URLs of certificates, of health checks and of the API's description. People write URLs of certificates also
//! below the API's prefix, in capitals, or with a slash or a full stop at the end. Health checks
//! are also served below the prefix.

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use axum::middleware::Next;
use axum::response::Response;
use percent_encoding::percent_decode_str;

use crate::http::HttpState;

const PAGE: &str = "certificate";
const DOWNLOAD: &str = "download";
const VERIFY: &str = "verify";
const DOCS: &str = "/api/docs";
const HEALTH: [&str; 3] = ["/health", "/health/live", "/health/ready"];

/// Replaces the URL of a certificate, a health check or the API's description by its canonical form before the request
/// is routed.
pub async fn canonical(
    State(http): State<HttpState>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(path) = canonical_path(request.uri().path(), &http.settings.prefix)
        && let Some(uri) = with_path(request.uri(), &path)
    {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let path_and_query: PathAndQuery = format!("{path}{query}").parse().ok()?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query);
    Uri::from_parts(parts).ok()
}

/// Returns the canonical path of a certificate's page or file, of the page for typing a number, of
/// a health check, or of the API's description. Returns `None` for other paths.
fn canonical_path(path: &str, prefix: &str) -> Option<String> {
    if path.strip_suffix('/') == Some(DOCS) {
        return Some(DOCS.to_owned());
    }
    let path = path
        .strip_prefix(prefix)
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path);
    if HEALTH.contains(&path) {
        return Some(path.to_owned());
    }
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let first = segments.next()?;
    let rest: Vec<&str> = segments
        .filter(|segment| !word(segment).is_empty())
        .collect();
    if first.eq_ignore_ascii_case(PAGE) {
        return match rest.as_slice() {
            [id] => Some(format!("/{PAGE}/{id}")),
            [id, last] if word(last) == DOWNLOAD => Some(format!("/{PAGE}/{id}/{DOWNLOAD}")),
            _ => None,
        };
    }
    match rest.as_slice() {
        [] if word(first) == VERIFY => Some(format!("/{VERIFY}")),
        // The path of the page for entering a number, followed by the number, opens the
        // certificate.
        [id] if first.eq_ignore_ascii_case(VERIFY) => Some(format!("/{PAGE}/{id}")),
        _ => None,
    }
}

/// Returns the letters and digits of a segment, in lower case.
fn word(segment: &str) -> String {
    let decoded = percent_decode_str(segment).decode_utf8_lossy();
    decoded
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificate_paths_are_made_canonical() {
        for (path, canonical) in [
            ("/certificate/00AB", Some("/certificate/00AB")),
            ("/certificate/00ab/", Some("/certificate/00ab")),
            ("//certificate//00ab//", Some("/certificate/00ab")),
            (
                "/CERTIFICATE/00AB/DOWNLOAD",
                Some("/certificate/00AB/download"),
            ),
            (
                "/certificate/00ab/download/",
                Some("/certificate/00ab/download"),
            ),
            (
                "/certificate/00ab/download.",
                Some("/certificate/00ab/download"),
            ),
            (
                "/certificate/00ab/download%20%E2%80%9D",
                Some("/certificate/00ab/download"),
            ),
            ("/certificate/00ab/%20", Some("/certificate/00ab")),
            ("/certificate/00ab%2E", Some("/certificate/00ab%2E")),
            ("/api/v1/certificate/00ab", Some("/certificate/00ab")),
            (
                "/api/v1/certificate/00ab/download",
                Some("/certificate/00ab/download"),
            ),
            ("/api/docs/", Some("/api/docs")),
            ("/verify", Some("/verify")),
            ("/Verify/", Some("/verify")),
            ("/verify.", Some("/verify")),
            ("/api/v1/verify", Some("/verify")),
            ("/verify/00ab", Some("/certificate/00ab")),
            ("/api/v1/health", Some("/health")),
            ("/api/v1/health/ready", Some("/health/ready")),
            ("/api/v1/health/dead", None),
            ("/certificate/00ab/upload", None),
            ("/certificate", None),
            ("/certificate/", None),
            ("/certificates/design_images/a/b", None),
            ("/api/v1/certificates/00ab", None),
            ("/api/v1certificate/00ab", None),
            ("/verify/00ab/download", None),
            ("/", None),
        ] {
            assert_eq!(
                canonical_path(path, "/api/v1").as_deref(),
                canonical,
                "{path}"
            );
        }
        assert_eq!(
            canonical_path("/certificate/00ab/", "").as_deref(),
            Some("/certificate/00ab")
        );
    }

    #[test]
    fn query_is_kept_in_the_canonical_address() {
        let uri: Uri = "/certificate/00ab/?lang=es".parse().unwrap();
        assert_eq!(
            with_path(&uri, "/certificate/00ab").unwrap(),
            "/certificate/00ab?lang=es"
        );
    }
}
