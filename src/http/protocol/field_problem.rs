//! Problems of single fields of a request, as the body of an error lists them.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::FieldError;
pub use crate::domain::kernel::refusal::{INVALID_VALUE, REQUIRED};

/// Code of a field that the operation doesn't have.
pub const UNKNOWN_FIELD: &str = "UNKNOWN_FIELD";
/// Code of a field that is given more than once, in one spelling or in both.
pub const GIVEN_TWICE: &str = "GIVEN_TWICE";
/// Code of a value that doesn't have the type of its field.
pub const WRONG_TYPE: &str = "WRONG_TYPE";
/// Code of an id that refers to no resource.
pub const NO_SUCH: &str = "NOT_FOUND";
/// Code of a unique value that another resource has.
pub const DUPLICATE: &str = "DUPLICATE";

/// Problem of one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"field": "email", "code": "INVALID_EMAIL", "message": "is not an e-mail address"}))]
pub struct FieldProblem {
    /// Path of the field in the body, such as `filter.country` or `attendees[3].email`; `body` for
    /// the body as a whole. For other input, the name of the parameter, form part or header.
    pub field: String,
    /// Stable code for programs, such as `REQUIRED`, `UNKNOWN_FIELD`, `WRONG_TYPE`,
    /// `INVALID_VALUE`, `TOO_LONG`, `NOT_FOUND` or `DUPLICATE`. There may be more codes in later
    /// versions.
    pub code: &'static str,
    /// Problem and remedy, for people.
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

/// Returns the code for an error of serde, which has only a text.
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
