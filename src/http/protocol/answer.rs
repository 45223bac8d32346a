//! Successful responses of the API: JSON body and headers.

use std::collections::BTreeMap;

use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::event_log::Position;
use crate::http::ApiError;

/// Response header with the log position of the last event that a write has appended.
pub const EVENT_POSITION: HeaderName = HeaderName::from_static("x-event-position");

/// Response of a handler. The program can store it and send it again.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// Complete body: a JSON object.
    pub body: Vec<u8>,
}

/// Response body. It is serialized directly, without an intermediate `Value`, for speed: most
/// responses are pages of lists.
#[derive(Serialize)]
struct Body<D, M> {
    success: bool,
    data: D,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<M>,
}

impl Answer {
    /// Creates a 200 response with `data`.
    ///
    /// # Errors
    /// 500 if `data` can't be serialized as JSON.
    pub fn ok(data: &impl Serialize) -> Result<Self, ApiError> {
        Self::of(200, data, None::<()>)
    }

    /// Creates a 503 response whose `data` gives the reason.
    ///
    /// # Errors
    /// 500 if `data` can't be serialized as JSON.
    pub fn unavailable(data: &impl Serialize) -> Result<Self, ApiError> {
        Self::of(503, data, None::<()>)
    }

    /// Creates a 200 response with one page of a list.
    ///
    /// # Errors
    /// 500 if `data` can't be serialized as JSON.
    pub fn list(data: &impl Serialize, meta: &impl Serialize) -> Result<Self, ApiError> {
        Self::of(200, data, Some(meta))
    }

    fn of(
        status: u16,
        data: &impl Serialize,
        meta: Option<impl Serialize>,
    ) -> Result<Self, ApiError> {
        let body = Body {
            success: status < 400,
            data,
            meta,
        };
        let body = serde_json::to_vec(&body).map_err(ApiError::internal)?;
        Ok(Self {
            status,
            headers: BTreeMap::new(),
            body,
        })
    }

    /// Changes the status to 201 and sets `Location` to the path of the new resource.
    #[must_use]
    pub fn created(self, location: String) -> Self {
        Self {
            status: 201,
            ..self
        }
        .with(LOCATION, location)
    }

    /// Sets `Location` to the path of the resource in the response.
    #[must_use]
    pub fn located(self, location: String) -> Self {
        self.with(LOCATION, location)
    }

    /// Changes the status to 202 and sets `Location` to the path that shows the progress.
    #[must_use]
    pub fn accepted(self, location: String) -> Self {
        Self {
            status: 202,
            ..self
        }
        .with(LOCATION, location)
    }

    /// Sets `X-Event-Position` to `position`, the position of the write in the log.
    #[must_use]
    pub fn at(self, position: Position) -> Self {
        self.with(EVENT_POSITION, position.to_string())
    }

    /// Sets the `ETag` to the version of the resource: `position`, the position of its last event.
    #[must_use]
    pub fn version(self, position: Position) -> Self {
        self.with(ETAG, etag(position))
    }

    /// Sets the `ETag` of a response that also contains data of other aggregates. `other` is the
    /// position of the last event of those aggregates.
    #[must_use]
    pub fn version_with(self, position: Position, other: Position) -> Self {
        self.with(ETAG, format!("\"{position}-{other}\""))
    }

    /// Sets the `ETag` to the SHA-256 of the body. It is for a response with several resources,
    /// each of which has its own version.
    #[must_use]
    pub fn version_of_body(self) -> Self {
        let digest = HEXLOWER.encode(&Sha256::digest(&self.body));
        self.with(ETAG, format!("\"{digest}\""))
    }

    fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.insert(name.as_str().to_owned(), value);
        self
    }

    /// Adds the field `message` to the body: a text for people.
    #[must_use]
    pub fn message(mut self, text: &str) -> Self {
        // The body is a JSON object that is not empty. Its closing brace is replaced by the new
        // field.
        self.body.pop();
        self.body
            .extend_from_slice(format!(",\"message\":{}}}", Value::from(text)).as_bytes());
        self
    }
}

/// Returns the strong entity tag of the version `position` of an aggregate (RFC 9110 §8.8.3).
#[must_use]
pub fn etag(position: Position) -> String {
    format!("\"{position}\"")
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response =
            (status, [(CONTENT_TYPE, "application/json")], self.body).into_response();
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// Body of a successful response.
#[derive(Debug, Serialize, ToSchema)]
pub struct Envelope<T> {
    /// Always true.
    #[schema(example = true)]
    pub success: bool,
    /// The requested data.
    pub data: T,
    /// Text for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Body of a successful response with a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListEnvelope<T> {
    /// Always true.
    #[schema(example = true)]
    pub success: bool,
    /// Entries of the page.
    pub data: Vec<T>,
    /// Paging information.
    pub meta: ListMeta,
}

/// Paging information of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListMeta {
    /// Cursor of the next page, to be sent as `cursor`; null on the last page.
    pub next_cursor: Option<String>,
    /// Largest number of entries per page.
    #[schema(example = 50)]
    pub limit: u32,
    /// Number of the page, if a page was requested by its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Number of entries in the whole list, if a page was requested by its number and the list has
    /// at most 10,000 entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

impl ListMeta {
    /// Creates the paging information of a list without further pages.
    #[must_use]
    pub const fn of_whole(limit: u32) -> Self {
        Self {
            next_cursor: None,
            limit,
            page: None,
            total: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entity_tag_depends_on_the_body() {
        let version = |n: u8| {
            Answer::ok(&json!({"n": n}))
                .unwrap()
                .version_of_body()
                .headers["etag"]
                .clone()
        };
        assert_eq!(version(1), version(1));
        assert_ne!(version(1), version(2));
        assert_eq!(version(1).len(), 66);
    }

    #[test]
    fn response_has_status_position_entity_tag_location_and_message() {
        let answer = Answer::ok(&json!({"id": 1})).unwrap();
        let answer = answer
            .created("/api/v1/things/1".to_owned())
            .at(42)
            .version(42)
            .message("made");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            body,
            json!({"success": true, "data": {"id": 1}, "message": "made"})
        );
        let response = answer.into_response();
        assert_eq!(response.status(), 201);
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        assert_eq!(header("x-event-position"), Some("42"));
        assert_eq!(header("etag"), Some("\"42\""));
        assert_eq!(header("location"), Some("/api/v1/things/1"));
    }
}
