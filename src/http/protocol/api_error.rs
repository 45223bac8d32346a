//! Errors of the API. [`crate::http::server::layers::envelope`] writes their body, because it knows
//! the request id. [`super::error_mapping`] maps internal errors to them.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::field_problem::{FieldProblem, INVALID_VALUE, NO_SUCH, WRONG_TYPE};
use crate::http::ErrorCode;

/// Error that the client gets instead of the requested response.
#[derive(Clone, Debug)]
pub struct ApiError {
    /// Code for programs. It determines the HTTP status.
    pub code: ErrorCode,
    /// Text for people: the problem and how to correct it.
    pub message: String,
    /// One text per problem, such as an invalid field. Empty if the message says everything.
    pub details: Vec<String>,
    /// Problems of single fields, for programs.
    pub errors: Vec<FieldProblem>,
    /// Time after which a retry makes sense.
    pub retry_after: Option<Duration>,
    /// Cause, for the log only. It must not contain personal data or secrets.
    pub cause: Option<Arc<str>>,
}

impl ApiError {
    /// Creates an error with a text for people.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: Vec::new(),
            errors: Vec::new(),
            retry_after: None,
            cause: None,
        }
    }

    /// Creates a 422 error for the value of one field, parameter or header that is refused.
    pub fn field(field: &str, problem: impl AsRef<str>) -> Self {
        Self::value(field, INVALID_VALUE, problem)
    }

    /// Creates a 422 error for a refused value whose reason has a code of its own.
    pub fn value(field: &str, code: &'static str, problem: impl AsRef<str>) -> Self {
        let problem = FieldProblem::new(field, code, problem.as_ref());
        Self::of_problems(ErrorCode::ValidationError, vec![problem])
    }

    /// Creates a 422 error for a field that refers to a resource that does not exist. `what` names
    /// the resource.
    #[must_use]
    pub fn no_such(field: &str, what: &str) -> Self {
        Self::value(field, NO_SUCH, format!("there is no such {what}"))
    }

    /// Creates a 400 error for a field, parameter or header whose value has the wrong type.
    pub fn wrong_type(field: &str, problem: impl AsRef<str>) -> Self {
        Self::malformed(field, WRONG_TYPE, problem)
    }

    /// Creates a 400 error for a field, parameter or header that is absent, unknown, given twice or
    /// can't be read.
    pub fn malformed(field: &str, code: &'static str, problem: impl AsRef<str>) -> Self {
        let problem = FieldProblem::new(field, code, problem.as_ref());
        Self::of_problems(ErrorCode::BadRequest, vec![problem])
    }

    /// Creates an error whose message consists of its problems.
    #[must_use]
    pub fn of_problems(code: ErrorCode, problems: Vec<FieldProblem>) -> Self {
        let texts: Vec<String> = problems.iter().map(FieldProblem::to_string).collect();
        Self::new(code, texts.join("; ")).with_problems(problems)
    }

    /// Adds problems to `errors` and their texts to `details`.
    #[must_use]
    pub fn with_problems(mut self, problems: Vec<FieldProblem>) -> Self {
        self.details
            .extend(problems.iter().map(FieldProblem::to_string));
        self.errors.extend(problems);
        self
    }

    /// Creates a 404 error. `what` names the missing resource.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no such {what}"))
    }

    /// Creates a 500 error. The client gets only the request id; the log gets `cause`.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let message = "something went wrong here; tell the operator the request id";
        Self::new(ErrorCode::InternalError, message).because(cause)
    }

    /// Adds the cause for the log. It must not contain personal data or secrets.
    #[must_use]
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string().into());
        self
    }

    /// Adds the time after which a retry makes sense.
    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl IntoResponse for ApiError {
    /// Returns only the status. The envelope layer, which knows the request id, writes the body.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Body of every error response.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorEnvelope {
    /// Always false.
    #[schema(example = false)]
    pub success: bool,
    /// Description of the error.
    pub error: ErrorBody,
    /// Identifies the request in the server's log; also in the header `X-Request-Id`.
    #[schema(example = "3f6c2f0a-0f5e-4b57-9a53-6f8f6a2f8f11")]
    pub request_id: String,
}

/// Description of an error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// Code for programs.
    pub code: ErrorCode,
    /// Text for people: the problem and how to correct it.
    pub message: String,
    /// One text per problem, such as an invalid field. Absent if the message says everything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// Problems of single fields, in the order of `details`. Absent if no field is at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}
