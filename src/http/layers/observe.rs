//! The request's id, its span, its line in the log and its metrics. Never a path's parameters, a query or
//! a body: they may name people.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use crate::http::HttpState;

/// Finds a request in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_ID_BYTES: usize = 64;

/// The request's id: the client's, if it is sane, or ours.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Gives the request an id and a span, and records how it went.
pub async fn observe(State(http): State<HttpState>, mut request: Request, next: Next) -> Response {
    let id = sane_id(request.headers()).unwrap_or_else(|| http.random_id().to_string());
    // A path that no route matches is somebody's typing, and has no bound.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = known_method(request.method().as_str());
    let span = tracing::info_span!(
        "request",
        method,
        route,
        request_id = id,
        user_id = tracing::field::Empty,
        api_key_id = tracing::field::Empty
    );
    request.extensions_mut().insert(RequestId(id.clone()));
    let begun = Instant::now();
    async move {
        let mut response = next.run(request).await;
        let elapsed = begun.elapsed();
        let status = response.status().as_u16();
        tracing::info!(status, latency_ms = elapsed.as_secs_f64() * 1e3, "request answered");
        let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
        metrics::counter!("laureate_http_requests_total", &labels).increment(1);
        metrics::histogram!("laureate_http_request_duration_seconds", &labels).record(elapsed.as_secs_f64());
        if let Ok(value) = HeaderValue::try_from(id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }
    .instrument(span)
    .await
}

fn sane_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(fits)).then(|| id.to_owned())
}

/// The method as a label: what is not one of these has no bound.
fn known_method(method: &str) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == method).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sane_ids_are_taken_over() {
        let taken = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(id).unwrap());
            sane_id(&headers)
        };
        assert_eq!(taken("abc-1._"), Some("abc-1._".to_owned()));
        for odd in ["", "a b", "a\"b", "a\tb", &"a".repeat(65)] {
            assert_eq!(taken(odd), None, "{odd}");
        }
        assert_eq!(sane_id(&HeaderMap::new()), None);
    }
}
