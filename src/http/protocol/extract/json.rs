//! Extractors of JSON bodies.

use std::fmt;

use axum::body::Bytes;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::naming::{CamelCased, Element, MAX_VALUES, TOO_MANY_ITEMS, has_too_many_values};
use crate::http::protocol::field_problem::code_of_serde;
use crate::http::{ApiError, ErrorCode, HttpState};

/// Deserialized JSON body, with the digest of its bytes. Field names may be in camelCase or
/// snake_case.
pub struct Json<T> {
    /// Deserialized body.
    pub value: T,
    /// SHA-256 of the body's bytes.
    pub sha256: [u8; 32],
}

impl<T: DeserializeOwned> FromRequest<HttpState> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, ApiError> {
        let bytes = body(request, state).await?;
        Ok(Self {
            value: parse(&bytes)?,
            sha256: Sha256::digest(&bytes).into(),
        })
    }
}

/// JSON list whose elements are parsed one by one. A fault of one element, such as half of a
/// surrogate pair or a field that is given twice, is stored with that element and does not affect
/// the others.
pub struct JsonList {
    /// Elements, in order.
    pub elements: Vec<Element>,
    /// SHA-256 of the body's bytes.
    pub sha256: [u8; 32],
}

impl JsonList {
    /// Largest number of elements. It is checked before the elements are parsed.
    pub const MAX_ELEMENTS: usize = 10_000;
}

/// Elements of a list that are not parsed yet: all of them, but at most one more than
/// [`JsonList::MAX_ELEMENTS`].
struct Elements<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while elements.len() <= JsonList::MAX_ELEMENTS {
                    match list.next_element()? {
                        Some(element) => elements.push(element),
                        None => return Ok(Elements(elements)),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Elements(elements))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

impl FromRequest<HttpState> for JsonList {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, ApiError> {
        let bytes = body(request, state).await?;
        let Elements(raw) = serde_json::from_slice(&bytes).map_err(|error| of_body(&error))?;
        if raw.len() > Self::MAX_ELEMENTS {
            let most = Self::MAX_ELEMENTS;
            let message = format!(
                "a request can have at most {most} elements; send several requests, or upload a file"
            );
            return Err(ApiError::new(ErrorCode::TooManyRows, message));
        }
        let elements = raw.into_iter().map(Element::read).collect();
        Ok(Self {
            elements,
            sha256: Sha256::digest(&bytes).into(),
        })
    }
}

async fn body(request: Request, state: &HttpState) -> Result<Bytes, ApiError> {
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(is_json) {
        let message = "send JSON in UTF-8, with the header `Content-Type: application/json`";
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
    }
    Ok(Bytes::from_request(request, state).await?)
}

/// Returns true for JSON in UTF-8 (RFC 8259 §8.1). Returns false for another charset.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let is_kind = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    is_kind
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

/// Accepts an absent body and the body `null` as `None`.
impl<T: DeserializeOwned> OptionalFromRequest<HttpState> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &HttpState) -> Result<Option<Self>, ApiError> {
        if request.headers().contains_key(CONTENT_TYPE) {
            let given =
                <Json<Option<T>> as FromRequest<HttpState>>::from_request(request, state).await?;
            return Ok(given.value.map(|value| Self {
                value,
                sha256: given.sha256,
            }));
        }
        if Bytes::from_request(request, state).await?.is_empty() {
            return Ok(None);
        }
        let message = "send JSON, with the header `Content-Type: application/json`, or no body";
        Err(ApiError::new(ErrorCode::UnsupportedMediaType, message))
    }
}

/// Value that stands for an absent body.
impl<T: Default> Default for Json<T> {
    fn default() -> Self {
        Self {
            value: T::default(),
            sha256: Sha256::digest([]).into(),
        }
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if has_too_many_values(bytes) {
        let message = format!("has more than {MAX_VALUES} values; send several requests");
        return Err(ApiError::field("body", message));
    }
    let CamelCased(value) = serde_json::from_slice(bytes).map_err(|error| of_body(&error))?;
    serde_path_to_error::deserialize(value)
        .map_err(|error| refused(&error.path().to_string(), error.inner()))
}

/// Creates the error for a body that is not JSON, or whose JSON has the wrong structure.
fn of_body(error: &serde_json::Error) -> ApiError {
    if error.is_data() {
        return refused(".", error);
    }
    ApiError::new(
        ErrorCode::MalformedJson,
        format!("the body is not JSON: {error}"),
    )
}

/// Creates the error for a value that does not fit its type. The field is identified by its path,
/// or by the name that the text of serde quotes. The text may contain the value, so it is sent to
/// the client but never logged.
fn refused(path: &str, error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let quoted = text
        .split('`')
        .nth(1)
        .filter(|_| !text.starts_with("invalid"));
    let field = match (path, quoted) {
        (".", quoted) => quoted.unwrap_or("body").to_owned(),
        (path, Some(missing)) if text.starts_with("missing") => format!("{path}.{missing}"),
        (path, _) => path.to_owned(),
    };
    if text.starts_with(TOO_MANY_ITEMS) {
        return ApiError::field(&field, text);
    }
    ApiError::malformed(&field, code_of_serde(text), text)
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
        #[serde(default)]
        list: Vec<u8>,
    }

    fn not_taken(body: &str) -> ApiError {
        parse::<Sample>(body.as_bytes()).expect_err(body)
    }

    #[test]
    fn elements_beyond_the_limit_are_not_kept() {
        let kept = |count: usize| {
            let list = format!("[{}1]", "1,".repeat(count - 1));
            let Elements(elements) = serde_json::from_str(&list).expect("a list");
            elements.len()
        };
        assert_eq!((kept(2), kept(10_000), kept(50_000)), (2, 10_000, 10_001));
    }

    #[test]
    fn only_content_type_json_in_utf_8_is_accepted() {
        for kind in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert!(is_json(kind), "{kind}");
        }
        for kind in [
            "text/json",
            "application/json; charset=utf-16",
            "application/jsonx",
            "",
            "application/*",
        ] {
            assert!(!is_json(kind), "{kind}");
        }
    }

    #[test]
    fn camel_case_and_snake_case_fields_are_accepted() {
        let expected = Sample {
            event_name: "x".to_owned(),
            count: Some(2),
            list: Vec::new(),
        };
        for body in [
            r#"{"eventName": "x", "count": 2}"#,
            r#"{"event_name": "x", "count": 2}"#,
        ] {
            assert_eq!(parse::<Sample>(body.as_bytes()).unwrap(), expected);
        }
    }

    #[test]
    fn invalid_body_is_rejected_with_field_and_reason() {
        for (body, detail, code) in [
            (
                r#"{"eventName": "x", "colour": "red"}"#,
                "colour: unknown field",
                "UNKNOWN_FIELD",
            ),
            (r#"{"count": 1}"#, "eventName: missing field", "REQUIRED"),
            (
                r#"{"event_name": "x", "eventName": "x"}"#,
                "eventName: field `eventName` is given twice",
                "GIVEN_TWICE",
            ),
            (
                r#"{"eventName": "x", "count": "many"}"#,
                "count: invalid type",
                "WRONG_TYPE",
            ),
            (
                r#"{"eventName": "x", "list": [1, 2, 300]}"#,
                "list[2]: invalid value",
                "WRONG_TYPE",
            ),
            ("[]", "body: invalid", "WRONG_TYPE"),
        ] {
            let error = not_taken(body);
            assert_eq!(error.code, ErrorCode::BadRequest);
            assert_eq!(
                (error.errors[0].code, error.errors.len()),
                (code, 1),
                "{body}"
            );
            assert!(
                error.details[0].starts_with(detail),
                "{body}: {:?}",
                error.details
            );
            assert!(!error.message.contains(" at line "), "{}", error.message);
        }
        for body in ["{", "", &"[".repeat(100_000)] {
            assert_eq!(not_taken(body).code, ErrorCode::MalformedJson);
        }
    }

    #[test]
    fn values_are_counted_before_they_are_parsed() {
        let lists = format!(
            r#"{{"eventName": "x", "list": [{}[]]}}"#,
            "[[],[]],".repeat(40_000)
        );
        let error = not_taken(&lists);
        assert_eq!(error.code, ErrorCode::ValidationError);
        assert!(
            error.details[0].starts_with("body: has more than 100000 values"),
            "{:?}",
            error.details
        );
        let text = format!(r#"{{"eventName": "{}"}}"#, ",[{".repeat(50_000));
        assert_eq!(
            parse::<Sample>(text.as_bytes())
                .expect("one long text")
                .event_name
                .len(),
            150_000
        );
        let raw = serde_json::value::RawValue::from_string(format!("[{}1]", "[],".repeat(100_000)));
        assert!(Element::read(&raw.expect("JSON")).unreadable.is_some());
    }
}
