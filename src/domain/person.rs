//! placeholder replaced on merge
use serde::{Deserialize, Serialize};

use super::Personal;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// Name.
    pub full_name: Personal<String>,
    /// Country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Personal<String>>,
    /// Type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_type: Option<Personal<String>>,
    /// Number.
    pub document_number: Personal<String>,
    /// Gender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Personal<String>>,
    /// Mail.
    pub email: Personal<String>,
}

/// Samples
#[cfg(test)]
pub(crate) mod samples {
    use super::Person;

    /// A person of that name.
    pub(crate) fn person(name: &str) -> Person {
        Person {
            full_name: name.to_owned().into(),
            country: None,
            document_type: None,
            document_number: format!("DOC-{name}").into(),
            gender: None,
            email: format!("{}@example.com", name.to_lowercase()).into(),
        }
    }
}

/// A field error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Field.
    pub field: &'static str,
    /// Code.
    pub code: &'static str,
    /// Message.
    pub message: String,
}

/// Checks an address.
pub fn check_email(email: &str) -> Result<(), FieldError> {
    if email.contains('@') {
        return Ok(());
    }
    Err(FieldError { field: "email", code: "INVALID_EMAIL", message: "bad".to_owned() })
}

impl Person {
    /// x
    #[must_use]
    pub fn normalised_email(&self) -> Personal<String> {
        Personal::new(self.email.reveal_str().to_lowercase())
    }

    /// x
    #[must_use]
    pub fn normalised_document(&self) -> Personal<String> {
        Personal::new(self.document_number.reveal_str().to_lowercase())
    }
}

/// x
pub fn normalised_email(email: &str) -> String {
    email.to_lowercase()
}
