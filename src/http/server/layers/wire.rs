//! Compression of responses, and CORS headers.

use std::time::Duration;

use axum::http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH,
    IF_NONE_MATCH, IF_RANGE, LOCATION, RANGE, RETRY_AFTER,
};
use axum::http::{Extensions, HeaderMap, HeaderName, Method, StatusCode, Version};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate as _, SizeAbove};
use tower_http::cors::CorsLayer;

use super::guard::TABLES_BEHIND;
use super::observe::REQUEST_ID;
use crate::http::protocol::answer::EVENT_POSITION;
use crate::http::server::connections::origins;
use crate::http::settings::HttpSettings;

/// Size in bytes above which bodies are compressed. Smaller bodies would hardly shrink.
const WORTH_COMPRESSING: u64 = 1024;
/// Time for which a browser may cache the response to a preflight request.
const REMEMBER_PREFLIGHT: Duration = Duration::from_secs(24 * 3600);

type Compressing = tower_http::compression::predicate::And<
    SizeAbove,
    fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool,
>;

/// Creates the layer that compresses text with gzip or brotli, if the client accepts it.
pub fn compression() -> CompressionLayer<Compressing> {
    let is_text: fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool =
        |_, _, headers, _| is_compressible(headers);
    CompressionLayer::new().compress_when(SizeAbove::new(WORTH_COMPRESSING).and(is_text))
}

/// Returns true if a response with these headers may be compressed. Only text is. An entity tag or
/// byte ranges prevent it, because they refer to the exact bytes (RFC 9110 §8.8.3). Event streams
/// are not compressed either, because a compressor would delay the events.
fn is_compressible(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_text = kind.starts_with("text/")
        || [
            "application/json",
            "application/javascript",
            "application/x-ndjson",
            "image/svg+xml",
        ]
        .contains(&kind);
    is_text
        && kind != "text/event-stream"
        && !headers.contains_key(ETAG)
        && !headers.contains_key(ACCEPT_RANGES)
}

/// Creates the CORS layer for the configured origins. Returns `None` if no origin is configured.
/// The API uses no cookies, so the layer does not allow credentials in the sense of CORS.
pub fn cors(settings: &HttpSettings) -> Option<CorsLayer> {
    let known = origins(&settings.cors_origins).filter(|known| !known.is_empty())?;
    let header = HeaderName::from_static;
    Some(
        CorsLayer::new()
            .allow_origin(known)
            .allow_methods([
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                AUTHORIZATION,
                CONTENT_TYPE,
                IF_MATCH,
                IF_NONE_MATCH,
                IF_RANGE,
                RANGE,
                REQUEST_ID,
                header("idempotency-key"),
                header("last-event-id"),
                header("x-min-event-position"),
                header("prefer"),
            ])
            .expose_headers([
                ACCEPT_RANGES,
                CONTENT_DISPOSITION,
                CONTENT_RANGE,
                ETAG,
                LOCATION,
                RETRY_AFTER,
                REQUEST_ID,
                EVENT_POSITION,
                TABLES_BEHIND,
                header("preference-applied"),
                header("x-certificates"),
                header("x-certificates-missing"),
                header("x-parts"),
            ])
            .max_age(REMEMBER_PREFLIGHT),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(HeaderName, &'static str)]) -> HeaderMap {
        of.iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn text_is_compressed_and_binary_files_are_not() {
        for kind in [
            "application/json",
            "text/html; charset=utf-8",
            "text/csv",
            "application/x-ndjson",
        ] {
            assert!(is_compressible(&headers(&[(CONTENT_TYPE, kind)])), "{kind}");
        }
        for kind in [
            "application/pdf",
            "image/png",
            "text/event-stream",
            "application/zip",
            "",
        ] {
            assert!(
                !is_compressible(&headers(&[(CONTENT_TYPE, kind)])),
                "{kind}"
            );
        }
        assert!(!is_compressible(&headers(&[
            (CONTENT_TYPE, "application/json"),
            (ETAG, "\"1\"")
        ])));
    }

    #[test]
    fn cors_is_disabled_without_configured_origins() {
        assert!(cors(&HttpSettings::default()).is_none());
        let named = HttpSettings {
            cors_origins: "https://a.example".to_owned(),
            ..HttpSettings::default()
        };
        assert!(cors(&named).is_some());
    }
}
