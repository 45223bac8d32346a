//! Checks of an arriving request: the length of its URL and the progress of its body. Also answers
//! the method `OPTIONS`.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::timeout::TimeoutBody;

use crate::http::{ApiError, ErrorCode, HttpState};

/// Largest length of path and query, in bytes. Filters and cursors are much shorter.
const MAX_ADDRESS_BYTES: usize = 8 << 10;

/// Rejects a request whose URL is too long, and fails the body if no data arrives for the stall
/// timeout.
pub async fn arrival(State(http): State<HttpState>, request: Request, next: Next) -> Response {
    let length = request
        .uri()
        .path_and_query()
        .map_or(0, |address| address.as_str().len());
    if length > MAX_ADDRESS_BYTES {
        let message = format!("the address is longer than {MAX_ADDRESS_BYTES} bytes");
        return ApiError::new(ErrorCode::UriTooLong, message).into_response();
    }
    let patience = Duration::from_secs(http.settings.connections.stall_timeout_seconds);
    next.run(request.map(|body| Body::new(TimeoutBody::new(patience, body))))
        .await
}

/// Answers `OPTIONS` with the methods of a path (RFC 9110 §9.3.7). The CORS layer answers the
/// preflight requests of browsers.
///
/// This layer wraps the whole router, because the router adds `Allow` only after the response has
/// passed all inner layers.
pub async fn options(request: Request, next: Next) -> Response {
    let is_preflight = request
        .headers()
        .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let asks = request.method() == Method::OPTIONS && !is_preflight;
    if asks && request.uri().path() == "*" {
        return StatusCode::NO_CONTENT.into_response();
    }
    let answered = next.run(request).await;
    if asks { allowed(answered) } else { answered }
}

/// Turns a 405 response into a 204 response with the allowed methods.
fn allowed(mut answered: Response) -> Response {
    let methods = answered
        .headers()
        .get(ALLOW)
        .and_then(|value| value.to_str().ok());
    let methods =
        methods.and_then(|methods| HeaderValue::try_from(format!("{methods},OPTIONS")).ok());
    let (StatusCode::METHOD_NOT_ALLOWED, Some(methods)) = (answered.status(), methods) else {
        return answered;
    };
    let mut response = StatusCode::NO_CONTENT.into_response();
    *response.headers_mut() = std::mem::take(answered.headers_mut());
    for of_the_refusal in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING] {
        response.headers_mut().remove(of_the_refusal);
    }
    response.headers_mut().insert(ALLOW, methods);
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
            .route("/both", post(|| async {}));
        let router = Router::new()
            .fallback_service(router)
            .layer(from_fn(options));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        let response = router.oneshot(request).await.unwrap();
        let allow = response
            .headers()
            .get(ALLOW)
            .map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), allow)
    }

    #[tokio::test]
    async fn options_lists_allowed_methods_and_other_methods_get_405() {
        assert_eq!(
            ask("OPTIONS", "/both").await,
            (204, Some("GET,HEAD,POST,OPTIONS".to_owned()))
        );
        assert_eq!(ask("OPTIONS", "/none").await.0, 404);
        assert_eq!(ask("DELETE", "/both").await.0, 405);
        assert_eq!(ask("TRACE", "/both").await.0, 405);
        assert_eq!(ask("HEAD", "/both").await.0, 200);
    }
}
