//! Refusals of commands, with messages for the user.

use serde::Serialize;
use thiserror::Error;

use super::claim::ClaimKind;

/// Code of a field whose value is refused for a reason that has no code of its own.
pub const INVALID_VALUE: &str = "INVALID_VALUE";
/// Code of a required field that is absent or blank.
pub const REQUIRED: &str = "REQUIRED";

/// Reason why one field was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Name of the field in the API, in camelCase.
    pub field: &'static str,
    /// Stable code: [`INVALID_VALUE`], [`REQUIRED`], `TOO_LONG`, `FORBIDDEN_CHARACTER`,
    /// `INVALID_EMAIL`, `INVALID_NAME`, `INVALID_DOCUMENT_NUMBER`, `PLACEHOLDER`, `MISREAD_TEXT`,
    /// `STRAY_QUOTE`, `NUMBER_ROUNDED`, `NUMBER_FORMATTED`, `DATE_CELL`, `BOOLEAN_CELL`,
    /// `ERROR_CELL` or `FORMULA_TEXT`.
    pub code: &'static str,
    /// Problem and remedy. Never contains the value.
    pub message: String,
}

impl FieldError {
    /// Creates an error with the code [`INVALID_VALUE`].
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            code: INVALID_VALUE,
            message: message.into(),
        }
    }
}

/// Reason why a command was refused. It contains no personal data, so it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The aggregate doesn't exist.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// An aggregate with this id exists already.
    #[error("this {0} exists already")]
    AlreadyExists(&'static str),
    /// Another owner holds the unique value.
    #[error("this {} is already in use", .0.noun())]
    Taken(ClaimKind),
    /// One or more fields are invalid.
    #[error("{} not acceptable: {}", if .0.len() == 1 { "a field is" } else { "some fields are" }, list(.0))]
    Invalid(Vec<FieldError>),
    /// The certificate is not active, so nothing new is issued.
    #[error("this certificate is not active; activate it before you issue it")]
    Inactive,
    /// The command doesn't fit the state. The message names the state and the remedy.
    #[error("{0}")]
    WrongState(String),
    /// The change is meant for another version than the current one.
    #[error("it has changed since you read it; read it again and repeat the change")]
    Stale,
    /// The session expired or was revoked, or the token was used before.
    #[error("this session has ended; log in again")]
    SessionEnded,
    /// The code is wrong or was used before.
    #[error("the code is wrong, or was used before")]
    WrongCode,
    /// The link is not authentic, was used, has expired, or is void after a later password change.
    #[error("this link was used or has expired; ask for another")]
    LinkEnded,
    /// The caller lacks a permission. The message names it and who has it.
    #[error("{0}")]
    Forbidden(&'static str),
}

impl Refusal {
    /// Creates a refusal of one field.
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::invalid(field, message)])
    }

    /// Returns the stable code for clients.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NOT_FOUND",
            Self::AlreadyExists(_) => "ALREADY_EXISTS",
            Self::Taken(_) => "DUPLICATE",
            Self::Invalid(_) => "VALIDATION_ERROR",
            Self::Inactive => "CERTIFICATE_INACTIVE",
            Self::WrongState(_) => "WRONG_STATE",
            Self::Stale => "PRECONDITION_FAILED",
            Self::SessionEnded => "SESSION_ENDED",
            Self::WrongCode => "WRONG_CODE",
            Self::LinkEnded => "RESET_LINK_INVALID",
            Self::Forbidden(_) => "FORBIDDEN",
        }
    }
}

fn list(fields: &[FieldError]) -> String {
    fields
        .iter()
        .map(|f| format!("{}: {}", f.field, f.message))
        .collect::<Vec<_>>()
        .join("; ")
}
