//! Id, tracing span, log line and metrics of each request. Path parameters, queries and bodies are
//! never recorded, because they may contain personal data.

use std::time::Instant;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use crate::http::server::client_address::ClientAddress;
use crate::http::{ApiError, HttpState};

/// Header with the request id. The log lines of the request contain the same id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_ID_BYTES: usize = 64;

/// Request id. It is generated here, or set by a trusted proxy.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let id = parts.extensions.get::<Self>().cloned();
        id.ok_or_else(|| ApiError::internal("a request has no id"))
    }
}

/// Gives the request an id, a span and the address of its client, and records the outcome.
///
/// If the sender is not a trusted proxy, its id is only logged in addition to the generated one,
/// because it could be the id of another request.
pub async fn observe(State(http): State<HttpState>, mut request: Request, next: Next) -> Response {
    let settings = &http.settings;
    let client = ClientAddress::of(
        &request,
        &settings.trusted_proxies,
        settings.forwarding_header,
    );
    let given = sane_id(request.headers());
    let is_relayed = ClientAddress::is_relayed(&request, &settings.trusted_proxies);
    let (of_proxy, of_client) = if is_relayed {
        (given, None)
    } else {
        (None, given)
    };
    let id = of_proxy.unwrap_or_else(|| http.random_id().to_string());
    // A path without a route can be any text, so as a label it would give an unlimited number of
    // metrics.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let method = known_method(request.method().as_str());
    let span = tracing::info_span!(
        "request",
        method,
        route,
        request_id = id,
        client_request_id = of_client,
        user_id = tracing::field::Empty,
        api_key_id = tracing::field::Empty
    );
    request.extensions_mut().insert(client);
    request.extensions_mut().insert(RequestId(id.clone()));
    let begun = Instant::now();
    async move {
        let mut response = next.run(request).await;
        let elapsed = begun.elapsed();
        let status = response.status().as_u16();
        tracing::info!(
            status,
            latency_ms = elapsed.as_secs_f64() * 1e3,
            "request answered"
        );
        let labels = [
            ("method", method.to_owned()),
            ("route", route),
            ("status", status.to_string()),
        ];
        metrics::counter!("laureate_http_requests_total", &labels).increment(1);
        metrics::histogram!("laureate_http_request_duration_seconds", &labels)
            .record(elapsed.as_secs_f64());
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

/// Returns the method as a metrics label. All unknown methods share one label, because there could
/// be an unlimited number of them.
fn known_method(method: &str) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_request_ids_are_accepted() {
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
