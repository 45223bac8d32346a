//! Reasons for a revocation, in requests and in answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::Personal;
use crate::domain::certification::issuance::{CertificateRevoked, WhyRevoked};
use crate::http::ApiError;
use crate::http::protocol::timestamp::Timestamp;

/// Maximum length of a note in characters.
const MAX_NOTE_CHARS: usize = 1_000;

/// Reason for a revocation.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"reason": "wrongData", "note": "The name was misspelt."}))]
pub struct RevocationRequest {
    /// Reason, as a code.
    reason: Reason,
    /// Reason, as a text of at most 1,000 characters. Only users with permission to read
    /// certificates see it.
    #[schema(value_type = Option<String>, example = "The name was misspelt.", max_length = 1000)]
    note: Option<Personal<String>>,
}

/// Code of the reason for a revocation.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = "wrongData")]
pub enum Reason {
    /// The certificate should not have been issued.
    IssuedInError,
    /// The certificate shows wrong data.
    WrongData,
    /// The certificate was issued to the wrong person.
    WrongPerson,
    /// The certificate was earned dishonestly.
    Misconduct,
    /// The issuer revokes the certificate without giving a reason.
    Withdrawn,
    /// The note contains the reason; it is required.
    Other,
}

impl RevocationRequest {
    /// Returns the reason and the trimmed note. An empty note counts as absent.
    ///
    /// # Errors
    /// The note is too long, contains control characters, or is missing for the reason `other`.
    pub fn checked(self) -> Result<(WhyRevoked, Option<Personal<String>>), ApiError> {
        let note = self
            .note
            .map(|note| note.reveal_str().trim().to_owned())
            .filter(|note| !note.is_empty());
        if let Some(note) = &note {
            if note.chars().count() > MAX_NOTE_CHARS {
                return Err(ApiError::field(
                    "note",
                    format!("is longer than {MAX_NOTE_CHARS} characters"),
                ));
            }
            if note
                .chars()
                .any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t')
            {
                return Err(ApiError::field(
                    "note",
                    "contains control characters; remove them",
                ));
            }
        }
        let reason = match self.reason {
            Reason::IssuedInError => WhyRevoked::IssuedInError,
            Reason::WrongData => WhyRevoked::WrongData,
            Reason::WrongPerson => WhyRevoked::WrongPerson,
            Reason::Misconduct => WhyRevoked::Misconduct,
            Reason::Withdrawn => WhyRevoked::Withdrawn,
            Reason::Other if note.is_none() => {
                return Err(ApiError::field(
                    "note",
                    "is missing; the reason \"other\" requires a note",
                ));
            }
            Reason::Other => WhyRevoked::Other,
        };
        Ok((reason, note.map(Personal::new)))
    }
}

/// Time of and reason for a revocation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevocationAnswer {
    /// Time of the revocation (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    pub revoked_at: Timestamp,
    /// Reason: `issuedInError`, `wrongData`, `wrongPerson`, `misconduct`, `withdrawn`,
    /// `batchCancelled`, `generationFailed` (the certificate could not be drawn, and a new one
    /// replaces it) or `other`.
    #[schema(value_type = Reason)]
    pub reason: String,
    /// Note that was given with the reason.
    #[schema(value_type = Option<String>, example = "The name was misspelt.")]
    pub note: Option<Personal<String>>,
}

impl RevocationAnswer {
    /// Converts an event of the log.
    ///
    /// # Errors
    /// The reason has no name, which would be a fault of this program.
    pub fn of(revoked: CertificateRevoked, revoked_at: Timestamp) -> Result<Self, ApiError> {
        let reason = serde_json::to_value(revoked.reason).map_err(ApiError::internal)?;
        Ok(Self {
            revoked_at,
            reason: reason.as_str().unwrap_or_default().to_owned(),
            note: revoked.note,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::ErrorCode;

    fn checked(
        body: serde_json::Value,
    ) -> Result<(WhyRevoked, Option<Personal<String>>), ApiError> {
        serde_json::from_value::<RevocationRequest>(body)
            .expect("the form is right")
            .checked()
    }

    #[test]
    fn note_is_trimmed_and_an_empty_one_is_absent() {
        let (reason, note) =
            checked(json!({"reason": "wrongData", "note": "  misspelt \n"})).unwrap();
        assert_eq!(
            (reason, note.unwrap().reveal_str()),
            (WhyRevoked::WrongData, "misspelt")
        );
        assert!(
            checked(json!({"reason": "withdrawn", "note": " "}))
                .unwrap()
                .1
                .is_none()
        );
    }

    #[test]
    fn missing_too_long_or_invalid_note_is_rejected() {
        for body in [
            json!({"reason": "other"}),
            json!({"reason": "wrongData", "note": "a".repeat(MAX_NOTE_CHARS + 1)}),
            json!({"reason": "wrongData", "note": "a\u{0}b"}),
        ] {
            let error = checked(body.clone()).expect_err(&body.to_string());
            assert_eq!(error.code, ErrorCode::ValidationError);
            assert!(
                error.details[0].starts_with("note: "),
                "{:?}",
                error.details
            );
        }
    }
}
