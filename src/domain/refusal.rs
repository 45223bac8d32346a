//! Why a command was refused, in words for the person who sent it.

use thiserror::Error;

/// One field that isn't acceptable, told without repeating its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    /// The field's name in the API, camelCase.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// A command that was not allowed. Carries no personal data: it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The aggregate has no history.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Something of this id exists and differs from what was asked for.
    #[error("this {0} exists already")]
    AlreadyExists(&'static str),
    /// A unique value is held by somebody else.
    #[error("this {0} is already in use")]
    Taken(&'static str),
    /// One or more fields are not acceptable.
    #[error("{} not acceptable: {}", if .0.len() == 1 { "a field is" } else { "some fields are" }, list(.0))]
    Invalid(Vec<InvalidField>),
    /// The certificate is switched off for new issuances.
    #[error("this certificate is not active; activate it before you issue it")]
    Inactive,
    /// The command doesn't fit the state; the text says which state and what to do.
    #[error("{0}")]
    WrongState(String),
    /// The change is meant for another version than the present one.
    #[error("it has changed since you read it; read it again and repeat the change")]
    Stale,
    /// The session is over, was revoked, or the token was used before.
    #[error("this session has ended; log in again")]
    SessionEnded,
    /// The code fits nothing, or was used before.
    #[error("the code is wrong, or was used before")]
    WrongCode,
    /// The link is not ours, was used, has expired, or was overtaken by another password.
    #[error("this link was used or has expired; ask for another")]
    LinkEnded,
    /// The caller lacks the right; the text says which one and who has it.
    #[error("{0}")]
    Forbidden(&'static str),
}

impl Refusal {
    /// A refusal of one field.
    pub fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![InvalidField { field, message: message.into() }])
    }

    /// The stable code that clients can act on.
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

fn list(fields: &[InvalidField]) -> String {
    fields.iter().map(|f| format!("{}: {}", f.field, f.message)).collect::<Vec<_>>().join("; ")
}
