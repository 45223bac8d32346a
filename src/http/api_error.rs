//! An error as the API answers it. The envelope gets its request id where the answer leaves
//! (see [`super::answer`]); what an error of ours becomes is decided in [`super::error_mapping`].

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::ErrorCode;

/// What the client gets instead of an answer.
#[derive(Clone, Debug)]
pub struct ApiError {
    /// For programs; carries the status.
    pub code: ErrorCode,
    /// For people: what is wrong and what to do.
    pub message: String,
    /// Field by field, where it is about fields.
    pub details: Vec<String>,
    /// When it makes sense to try again.
    pub retry_after: Option<Duration>,
    /// What only the log gets. Free of personal data and secrets.
    pub cause: Option<Arc<str>>,
}

impl ApiError {
    /// An error with a text for people.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new(), retry_after: None, cause: None }
    }

    /// One field, parameter or header that is not acceptable.
    pub fn field(field: &str, problem: impl AsRef<str>) -> Self {
        let detail = format!("{field}: {}", problem.as_ref());
        Self { details: vec![detail.clone()], ..Self::new(ErrorCode::ValidationError, detail) }
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no such {what}"))
    }

    /// Something broke here. The client learns nothing but the request id; the log gets the cause.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let message = "something went wrong here; tell the operator the request id";
        Self::new(ErrorCode::InternalError, message).because(cause)
    }

    /// Adds what the log gets. Must be free of personal data and secrets.
    #[must_use]
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string().into());
        self
    }

    /// Adds when to try again.
    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl IntoResponse for ApiError {
    /// The status alone; the layer that knows the request id writes the body.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorEnvelope {
    /// Always false.
    #[schema(example = false)]
    pub success: bool,
    /// What is wrong.
    pub error: ErrorBody,
    /// Finds the request in the server's log; also in `X-Request-Id`.
    #[schema(example = "3f6c2f0a-0f5e-4b57-9a53-6f8f6a2f8f11")]
    pub request_id: String,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what is wrong and what to do.
    pub message: String,
    /// Field by field, where it is about fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}
