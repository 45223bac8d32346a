//! A success as the API answers it: the envelope, and the headers that go with it.

use std::collections::BTreeMap;

use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::ApiError;
use crate::domain::hex;
use crate::event_log::Position;

/// The position that a write produced.
pub const EVENT_POSITION: HeaderName = HeaderName::from_static("x-event-position");

/// What a handler answers. It can be stored and answered again.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The whole body, a JSON object.
    pub body: Vec<u8>,
}

/// The body, written in one go: a page of a list is read far more often than anything else.
#[derive(Serialize)]
struct Body<D, M> {
    success: bool,
    data: D,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<M>,
}

impl Answer {
    /// 200 with data.
    ///
    /// # Errors
    /// The data can't be written as JSON.
    pub fn ok(data: &impl Serialize) -> Result<Self, ApiError> {
        Self::of(200, data, None::<()>)
    }

    /// 503 with data that says why.
    ///
    /// # Errors
    /// The data can't be written as JSON.
    pub fn unavailable(data: &impl Serialize) -> Result<Self, ApiError> {
        Self::of(503, data, None::<()>)
    }

    /// One page of a list.
    ///
    /// # Errors
    /// The data can't be written as JSON.
    pub fn list(data: &impl Serialize, meta: &impl Serialize) -> Result<Self, ApiError> {
        Self::of(200, data, Some(meta))
    }

    fn of(status: u16, data: &impl Serialize, meta: Option<impl Serialize>) -> Result<Self, ApiError> {
        let body = Body { success: status < 400, data, meta };
        let body = serde_json::to_vec(&body).map_err(ApiError::internal)?;
        Ok(Self { status, headers: BTreeMap::new(), body })
    }

    /// Makes it 201, with where the new thing is.
    #[must_use]
    pub fn created(self, location: String) -> Self {
        Self { status: 201, ..self }.with(LOCATION, location)
    }

    /// Makes it 202, with nothing to look at.
    #[must_use]
    pub fn for_later(self) -> Self {
        Self { status: 202, ..self }
    }

    /// Makes it 202, with where the progress is.
    #[must_use]
    pub fn accepted(self, location: String) -> Self {
        Self { status: 202, ..self }.with(LOCATION, location)
    }

    /// Adds the position that a write produced.
    #[must_use]
    pub fn at(self, position: Position) -> Self {
        self.with(EVENT_POSITION, position.to_string())
    }

    /// Adds the version of the resource, which is the position of its last event.
    #[must_use]
    pub fn version(self, position: Position) -> Self {
        self.with(ETAG, etag(position))
    }

    /// Adds the version of a resource whose answer also shows what others say about it: `other` is the
    /// position of the last of that.
    #[must_use]
    pub fn version_with(self, position: Position, other: Position) -> Self {
        self.with(ETAG, format!("\"{position}-{other}\""))
    }

    /// Adds a version that follows from the body, for what several things are told in, each with a version of
    /// its own.
    #[must_use]
    pub fn version_of_body(self) -> Self {
        let digest = hex(&Sha256::digest(&self.body));
        self.with(ETAG, format!("\"{digest}\""))
    }

    fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.insert(name.as_str().to_owned(), value);
        self
    }

    /// Adds a sentence for people.
    #[must_use]
    pub fn message(mut self, text: &str) -> Self {
        // The body is an object, and has members: the last brace makes room for one more.
        self.body.pop();
        self.body.extend_from_slice(format!(",\"message\":{}}}", Value::from(text)).as_bytes());
        self
    }
}

/// The strong entity tag of an aggregate's version (RFC 9110 §8.8.3).
#[must_use]
pub fn etag(position: Position) -> String {
    format!("\"{position}\"")
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = (status, [(CONTENT_TYPE, "application/json")], self.body).into_response();
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The body of a success, for the OpenAPI document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Envelope<T> {
    /// Always true.
    #[schema(example = true)]
    pub success: bool,
    /// What was asked for.
    pub data: T,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The body of a list, for the OpenAPI document.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListEnvelope<T> {
    /// Always true.
    #[schema(example = true)]
    pub success: bool,
    /// The page.
    pub data: Vec<T>,
    /// Where the next page starts.
    pub meta: ListMeta,
}

/// Where the next page of a list starts.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListMeta {
    /// Give it as `cursor` to get the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// The most entries that a page has.
    #[schema(example = 50)]
    pub limit: u32,
    /// The page's number, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// How many entries there are in all, where a page was asked for by its number and they are at most 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn another_body_is_another_version() {
        let version = |n: u8| Answer::ok(&json!({"n": n})).unwrap().version_of_body().headers["etag"].clone();
        assert_eq!(version(1), version(1));
        assert_ne!(version(1), version(2));
        assert_eq!(version(1).len(), 66);
    }

    #[test]
    fn headers_and_envelope_say_what_happened() {
        let answer = Answer::ok(&json!({"id": 1})).unwrap();
        let answer = answer.created("/api/v1/things/1".to_owned()).at(42).version(42).message("made");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body, json!({"success": true, "data": {"id": 1}, "message": "made"}));
        let response = answer.into_response();
        assert_eq!(response.status(), 201);
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("x-event-position"), Some("42"));
        assert_eq!(header("etag"), Some("\"42\""));
        assert_eq!(header("location"), Some("/api/v1/things/1"));
    }
}
