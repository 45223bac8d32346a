//! How a request arrives: an address of bounded length, a body that keeps coming, and a method of which
//! the server can at least say whether a path takes it.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCESS_CONTROL_REQUEST_METHOD, ALLOW};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::timeout::TimeoutBody;

use crate::http::{ApiError, ErrorCode, HttpState};

/// The longest path and query, in bytes; filters and cursors stay far below.
const MAX_ADDRESS_BYTES: usize = 8 << 10;

/// Refuses addresses that are too long, and gives up bodies that stop coming.
pub async fn arrival(State(http): State<HttpState>, request: Request, next: Next) -> Response {
    let length = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if length > MAX_ADDRESS_BYTES {
        let message = format!("the address is longer than {MAX_ADDRESS_BYTES} bytes");
        return ApiError::new(ErrorCode::UriTooLong, message).into_response();
    }
    let patience = Duration::from_secs(http.settings.connections.stall_timeout_seconds);
    next.run(request.map(|body| Body::new(TimeoutBody::new(patience, body)))).await
}

/// Answers `OPTIONS` with what a path takes (RFC 9110 §9.3.7). A browser's preflight is CORS's.
pub async fn options(mut request: Request, next: Next) -> Response {
    let is_preflight = request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() != Method::OPTIONS || is_preflight {
        return next.run(request).await;
    }
    if request.uri().path() == "*" {
        return StatusCode::NO_CONTENT.into_response();
    }
    // No route takes TRACE, so the router says which methods the path takes.
    *request.method_mut() = Method::TRACE;
    allowed(next.run(request).await)
}

fn allowed(answered: Response) -> Response {
    let methods = answered.headers().get(ALLOW).and_then(|value| value.to_str().ok());
    let methods = match (answered.status(), methods) {
        (StatusCode::METHOD_NOT_ALLOWED, Some(methods)) => format!("{methods},OPTIONS"),
        _ => return answered,
    };
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(methods) = HeaderValue::try_from(methods) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::{get, post};
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(method: &str, path: &str) -> (u16, Option<String>) {
        let router = Router::new()
            .route("/both", get(|| async { "here" }))
            .route("/both", post(|| async {}))
            .layer(from_fn(options));
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let allow = response.headers().get(ALLOW).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), allow)
    }

    #[tokio::test]
    async fn a_path_tells_what_it_takes() {
        assert_eq!(ask("OPTIONS", "/both").await, (204, Some("GET,HEAD,POST,OPTIONS".to_owned())));
        assert_eq!(ask("OPTIONS", "/none").await.0, 404);
        assert_eq!(ask("DELETE", "/both").await.0, 405);
        assert_eq!(ask("TRACE", "/both").await.0, 405);
        assert_eq!(ask("HEAD", "/both").await.0, 200);
    }
}
