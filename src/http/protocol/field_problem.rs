//! Problems of individual fields of a request. The body of an error response lists them.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::FieldError;
pub use crate::domain::kernel::refusal::{INVALID_VALUE, REQUIRED};

/// Code of a field that the operation does not have.
pub const UNKNOWN_FIELD: &str = "UNKNOWN_FIELD";
/// Code of a field that is given more than once, in one spelling or in both (camelCase and
/// snake_case).
pub const GIVEN_TWICE: &str = "GIVEN_TWICE";
/// Code of a value that does not have the type of its field.
pub const WRONG_TYPE: &str = "WRONG_TYPE";
/// Code of an id that does not refer to a resource.
pub const NO_SUCH: &str = "NOT_FOUND";
/// Code of a value in a request that must be unique but belongs to another resource already. The
/// codes of imported rows are in [`crate::domain::certification::reactions::import`].
pub const DUPLICATE: &str = "DUPLICATE";

/// Problem of one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"field": "email", "code": "INVALID_EMAIL", "message": "is not an e-mail address"}))]
pub struct FieldProblem {
    /// Path of the field in the body, such as `filter.country` or `attendees[3].email`; `body` for
    /// the whole body. For other input, the name of the parameter, form part or header.
    pub field: String,
    /// Stable code for programs, such as `REQUIRED`, `UNKNOWN_FIELD`, `WRONG_TYPE`,
    /// `INVALID_VALUE`, `TOO_LONG`, `NOT_FOUND` or `DUPLICATE`. Later versions may add more codes.
    pub code: &'static str,
    /// Text for people: the problem, and how to correct it.
    pub message: String,
}

impl FieldProblem {
    /// Creates a problem.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code,
            message: message.into(),
        }
    }
}

impl From<FieldError> for FieldProblem {
    fn from(error: FieldError) -> Self {
        Self::new(error.field, error.code, error.message)
    }
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Returns the code for an error of serde. The error has no code, so its text is used.
#[must_use]
pub fn code_of_serde(text: &str) -> &'static str {
    if text.starts_with("missing field") {
        REQUIRED
    } else if text.starts_with("unknown field") {
        UNKNOWN_FIELD
    } else if text.ends_with("is given twice") || text.starts_with("duplicate field") {
        GIVEN_TWICE
    } else {
        WRONG_TYPE
    }
}
