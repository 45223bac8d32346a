//! Writes the JSON body of each error response, also for errors of libraries. The body contains the
//! request id.

use std::any::Any;

use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::observe::RequestId;
use crate::http::protocol::api_error::{ErrorBody, ErrorEnvelope};
use crate::http::protocol::error_mapping::of_status;
use crate::http::{ApiError, ErrorCode};

/// Writes the body of an error response, and logs the error with its cause.
pub async fn envelope(request: Request, next: Next) -> Response {
    let id = request
        .extensions()
        .get::<RequestId>()
        .map_or_else(String::new, |id| id.0.clone());
    let mut response = next.run(request).await;
    let given = response.extensions_mut().remove::<ApiError>();
    let Some(error) = given.or_else(|| bare(&response)) else {
        return response;
    };
    log(&error);
    let mut headers = std::mem::take(response.headers_mut());
    headers.remove(CONTENT_TYPE);
    headers.remove(CONTENT_LENGTH);
    write(error, id, headers)
}

/// Returns the API error for an error response that a library has created. Returns `None` for all
/// other responses.
fn bare(response: &Response) -> Option<ApiError> {
    let status = response.status();
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let is_page = kind.starts_with("text/html") || kind.starts_with("application/json");
    let is_error = status.is_client_error() || status.is_server_error();
    (is_error && !is_page).then(|| of_status(status))
}

fn log(error: &ApiError) {
    let code = error.code.as_str();
    let cause = error.cause.as_deref().unwrap_or("");
    if error.code == ErrorCode::Busy {
        tracing::warn!(code, "request refused");
    } else if error.code.status().is_server_error() {
        tracing::error!(code, cause, "request failed");
    } else {
        tracing::debug!(code, cause, "request refused");
    }
}

fn write(error: ApiError, request_id: String, headers: HeaderMap) -> Response {
    let ApiError {
        code,
        message,
        details,
        errors,
        retry_after,
        ..
    } = error;
    let body = ErrorEnvelope {
        success: false,
        error: ErrorBody {
            code,
            message,
            details,
            errors,
        },
        request_id,
    };
    let mut response = (code.status(), headers, axum::Json(body)).into_response();
    // The layer `error_pages` chooses the text of a page by the error code.
    response.extensions_mut().insert(code);
    let wait = retry_after.map(|wait| wait.as_secs().max(1));
    let needs_wait = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ]
    .contains(&code.status());
    if let Some(seconds) = wait.or(needs_wait.then_some(1)) {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if code.status() == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Returns the response to a request whose handler panicked. The response does not contain the text
/// of the panic, which may quote personal data.
pub fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    ApiError::internal("a handler panicked").into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn;
    use axum::routing::{get, post};
    use serde_json::{Value, json};
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    async fn ask(method: &str, path: &str) -> (StatusCode, HeaderMap, Value) {
        async fn broken() -> Response {
            panic!("with a secret")
        }
        let router = Router::new()
            .route("/panic", get(broken))
            .route(
                "/busy",
                get(|| async { ApiError::new(ErrorCode::Busy, "later") }),
            )
            .route("/only-post", post(|| async {}))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(envelope));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        request.extensions_mut().insert(RequestId("r-1".to_owned()));
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 10_000).await.unwrap();
        (
            parts.status,
            parts.headers,
            serde_json::from_slice(&body).unwrap_or(Value::Null),
        )
    }

    #[tokio::test]
    async fn every_error_has_the_envelope_and_the_request_id() {
        let (status, headers, body) = ask("GET", "/busy").await;
        assert_eq!(status, 503);
        assert_eq!(headers[RETRY_AFTER], "1");
        let error = json!({"code": "BUSY", "message": "later"});
        assert_eq!(
            body,
            json!({"success": false, "error": error, "requestId": "r-1"})
        );
    }

    #[tokio::test]
    async fn errors_of_the_router_have_the_envelope() {
        let (status, _, body) = ask("GET", "/nowhere").await;
        assert_eq!(
            (status.as_u16(), &body["error"]["code"]),
            (404, &json!("NOT_FOUND"))
        );
        let (status, headers, body) = ask("GET", "/only-post").await;
        assert_eq!(
            (status.as_u16(), &body["error"]["code"]),
            (405, &json!("METHOD_NOT_ALLOWED"))
        );
        assert_eq!(headers["allow"], "POST");
    }

    #[tokio::test]
    async fn panic_returns_500_without_its_message() {
        let (status, _, body) = ask("GET", "/panic").await;
        assert_eq!(
            (status.as_u16(), &body["error"]["code"]),
            (500, &json!("INTERNAL_ERROR"))
        );
        assert!(!body.to_string().contains("secret"));
    }
}
