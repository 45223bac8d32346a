//! Bodies of requests to operations that have none.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request};
use axum::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Method};

use crate::http::ApiError;
use crate::http::protocol::field_problem::UNKNOWN_FIELD;

/// Rejects a body, because its sender expects an effect that it doesn't have. A POST or PUT may
/// have an empty JSON object or `null`, which many clients send with every request.
///
/// # Errors
/// 400 if there is a body; 413 or 408 if it is too long or does not arrive.
pub(super) async fn without_body(request: Request) -> Result<Request, ApiError> {
    let (parts, body) = request.into_parts();
    if [Method::GET, Method::HEAD].contains(&parts.method) {
        if announces_body(&parts.headers) {
            return Err(refused());
        }
        return Ok(Request::from_parts(parts, body));
    }
    let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await?;
    let may_be_json = parts.method != Method::DELETE;
    if bytes.is_empty() || (may_be_json && is_empty_json(&bytes)) {
        return Ok(Request::from_parts(parts, Body::empty()));
    }
    Err(refused())
}

fn refused() -> ApiError {
    let problem = "this operation has no body; leave it out";
    ApiError::malformed("body", UNKNOWN_FIELD, problem)
}

/// Returns true if the headers announce a body (RFC 9112 §6.3).
fn announces_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get(CONTENT_LENGTH)
            .is_some_and(|length| length != "0")
}

fn is_empty_json(json: &[u8]) -> bool {
    let text: Vec<u8> = json
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    text == b"{}" || text == b"null"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ErrorCode;

    async fn sent(method: Method, body: &'static str) -> Option<ErrorCode> {
        let request = Request::builder()
            .method(method)
            .header(CONTENT_LENGTH, body.len());
        let request = request.body(Body::from(body)).unwrap();
        without_body(request).await.err().map(|error| error.code)
    }

    #[tokio::test]
    async fn body_that_the_operation_does_not_have_is_rejected() {
        for method in [Method::GET, Method::DELETE, Method::POST, Method::PUT] {
            assert_eq!(sent(method.clone(), "").await, None);
            let refused = Some(ErrorCode::BadRequest);
            assert_eq!(sent(method, r#"{"reason": "x"}"#).await, refused);
        }
        assert_eq!(sent(Method::POST, " {\n} ").await, None);
        assert_eq!(sent(Method::PUT, "{}").await, None);
        assert_eq!(
            sent(Method::DELETE, "{}").await,
            Some(ErrorCode::BadRequest)
        );
    }
}
