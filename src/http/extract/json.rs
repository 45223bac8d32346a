//! A JSON body.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::naming::CamelCased;
use crate::http::{ApiError, ErrorCode, HttpState};

/// A JSON body in camelCase or snake_case, and what it was made of.
pub struct Json<T> {
    /// What the body says.
    pub value: T,
    /// SHA-256 of the body's bytes.
    pub sha256: [u8; 32],
}

impl<T: DeserializeOwned> FromRequest<HttpState> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, ApiError> {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = content_type.is_some_and(|text| {
            text.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        });
        if !is_json {
            let message = "send JSON, with the header `Content-Type: application/json`";
            return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
        }
        let bytes = Bytes::from_request(request, state).await?;
        Ok(Self { value: parse(&bytes)?, sha256: Sha256::digest(&bytes).into() })
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let CamelCased(value) = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_data() {
            return ApiError::field("body", plain(&error));
        }
        let message = format!("the body is not JSON: {}", plain(&error));
        ApiError::new(ErrorCode::MalformedJson, message)
    })?;
    T::deserialize(value).map_err(|error| {
        let text = plain(&error);
        let field = text.split('`').nth(1).unwrap_or("body").to_owned();
        ApiError::field(&field, text)
    })
}

/// serde's text; it goes to the sender only, and never to the log.
fn plain(error: &serde_json::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Sample {
        event_name: String,
        count: Option<u32>,
    }

    fn refused(body: &str) -> ApiError {
        parse::<Sample>(body.as_bytes()).expect_err(body)
    }

    #[test]
    fn both_spellings_are_taken() {
        let expected = Sample { event_name: "x".to_owned(), count: Some(2) };
        for body in [r#"{"eventName": "x", "count": 2}"#, r#"{"event_name": "x", "count": 2}"#] {
            assert_eq!(parse::<Sample>(body.as_bytes()).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let unknown = refused(r#"{"eventName": "x", "colour": "red"}"#);
        assert_eq!(unknown.code, ErrorCode::ValidationError);
        assert!(unknown.details[0].starts_with("colour: unknown field"), "{:?}", unknown.details);
        assert!(refused(r#"{"count": 1}"#).details[0].starts_with("eventName: missing field"));
        assert!(refused(r#"{"event_name": "x", "eventName": "x"}"#).details[0].contains("given twice"));
        assert_eq!(refused("{").code, ErrorCode::MalformedJson);
        assert_eq!(refused("").code, ErrorCode::MalformedJson);
        assert_eq!(refused(&"[".repeat(100_000)).code, ErrorCode::MalformedJson);
    }
}
