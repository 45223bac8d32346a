//! Conditional reads (RFC 9110 §13.1.2): the response is 304 if the client already has the current
//! version.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use headers::{ETag, HeaderMapExt as _, IfNoneMatch};

/// Replaces a 200 response to a read by 304 if `If-None-Match` lists its entity tag.
pub async fn not_modified(request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = request.headers().typed_get::<IfNoneMatch>();
    let response = next.run(request).await;
    let Some(known) = known.filter(|_| is_read && response.status() == StatusCode::OK) else {
        return response;
    };
    let tag = response.headers().typed_get::<ETag>();
    if tag.is_none_or(|tag| known.precondition_passes(&tag)) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::header::{ETAG, IF_NONE_MATCH};
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(method: Method, known: &str) -> (u16, usize) {
        let router = Router::new()
            .route(
                "/",
                get(|| async { ([(ETAG, "\"7\"")], "body") })
                    .patch(|| async { ([(ETAG, "\"7\"")], "body") }),
            )
            .layer(from_fn(not_modified));
        let request = Request::builder()
            .method(method)
            .uri("/")
            .header(IF_NONE_MATCH, known);
        let response = router
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.headers()[ETAG], "\"7\"");
        let status = response.status().as_u16();
        (
            status,
            axum::body::to_bytes(response.into_body(), 100)
                .await
                .unwrap()
                .len(),
        )
    }

    #[tokio::test]
    async fn get_with_the_current_entity_tag_returns_304_without_a_body() {
        for known in ["\"7\"", "W/\"7\"", "\"6\", \"7\"", "*"] {
            assert_eq!(ask(Method::GET, known).await, (304, 0), "{known}");
        }
        for known in ["\"6\"", "7", "\"7-1\""] {
            assert_eq!(ask(Method::GET, known).await, (200, 4), "{known}");
        }
        assert_eq!(ask(Method::PATCH, "\"7\"").await, (200, 4), "only reads");
    }
}
