//! Conditional reads (RFC 9110 §13.1.2): a client that has the current version gets 304.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

/// Replaces the response by 304 if the client already has this version.
pub async fn not_modified(request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = if is_read {
        known_tags(request.headers())
    } else {
        Vec::new()
    };
    let response = next.run(request).await;
    if known.is_empty() || response.status() != StatusCode::OK {
        return response;
    }
    let tag = response
        .headers()
        .get(ETAG)
        .and_then(|value| value.to_str().ok())
        .map(opaque);
    if !tag.is_some_and(|tag| known.iter().any(|known| known == "*" || known == tag)) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

fn known_tags(headers: &HeaderMap) -> Vec<String> {
    let values = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|tag| opaque(tag.trim()).to_owned())
        .collect()
}

/// Removes the prefix of a weak tag, because `If-None-Match` compares weakly.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use axum::Router;
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
    async fn whoever_knows_the_version_gets_no_body() {
        for known in ["\"7\"", "W/\"7\"", "\"6\", \"7\"", "*"] {
            assert_eq!(ask(Method::GET, known).await, (304, 0), "{known}");
        }
        for known in ["\"6\"", "7", "\"7-1\""] {
            assert_eq!(ask(Method::GET, known).await, (200, 4), "{known}");
        }
        assert_eq!(ask(Method::PATCH, "\"7\"").await, (200, 4), "only reads");
    }
}
