//! Why a certificate doesn't count any more: as it is asked for, and as it is told.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::Personal;
use crate::domain::issuance::{IssuanceState, WhyRevoked};
use crate::http::ApiError;

/// The longest note, in characters.
const MAX_NOTE_CHARS: usize = 1_000;

/// Why something is revoked.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"reason": "wrongData", "note": "The name was misspelt."}))]
pub struct RevocationRequest {
    /// Why, for programs.
    reason: Reason,
    /// Why, in your own words; at most 1,000 characters. Only those who may read certificates see it.
    #[schema(value_type = Option<String>, example = "The name was misspelt.", max_length = 1000)]
    note: Option<Personal<String>>,
}

/// Why, for programs.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = "wrongData")]
pub enum Reason {
    /// It should not have been issued.
    IssuedInError,
    /// It shows something wrong.
    WrongData,
    /// It went to somebody else than who earned it.
    WrongPerson,
    /// What it certifies was not earned honestly.
    Misconduct,
    /// The issuer takes it back without saying more.
    Withdrawn,
    /// See the note.
    Other,
}

impl RevocationRequest {
    /// The reason, and the note without blanks around it; an empty one counts as none.
    ///
    /// # Errors
    /// The note is too long or can't be shown, or is missing where the reason refers to it.
    pub fn checked(self) -> Result<(WhyRevoked, Option<Personal<String>>), ApiError> {
        let note = self.note.map(|note| note.reveal_str().trim().to_owned()).filter(|note| !note.is_empty());
        if let Some(note) = &note {
            if note.chars().count() > MAX_NOTE_CHARS {
                return Err(ApiError::field("note", format!("is longer than {MAX_NOTE_CHARS} characters")));
            }
            if note.chars().any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t') {
                return Err(ApiError::field("note", "contains control characters; leave them out"));
            }
        }
        let reason = match self.reason {
            Reason::IssuedInError => WhyRevoked::IssuedInError,
            Reason::WrongData => WhyRevoked::WrongData,
            Reason::WrongPerson => WhyRevoked::WrongPerson,
            Reason::Misconduct => WhyRevoked::Misconduct,
            Reason::Withdrawn => WhyRevoked::Withdrawn,
            Reason::Other if note.is_none() => {
                return Err(ApiError::field("note", "is missing; say what the reason \"other\" is"));
            }
            Reason::Other => WhyRevoked::Other,
        };
        Ok((reason, note.map(Personal::new)))
    }
}

/// A certificate that doesn't count any more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revoked {
    /// The generated certificate.
    id: Uuid,
    /// `revoked`.
    #[schema(example = "revoked")]
    state: &'static str,
    /// Why: the first reason that was given.
    #[schema(value_type = String, example = "wrongData")]
    reason: WhyRevoked,
    /// Why, in somebody's own words.
    #[schema(value_type = Option<String>, example = "The name was misspelt.")]
    note: Option<Personal<String>>,
}

impl Revoked {
    /// As the log has it.
    ///
    /// # Errors
    /// It is not revoked, which would be a fault of ours.
    pub fn of(id: Uuid, state: IssuanceState) -> Result<Self, ApiError> {
        let revoked = state.revoked.ok_or_else(|| ApiError::internal("a revocation left no trace"))?;
        Ok(Self { id, state: "revoked", reason: revoked.reason, note: revoked.note })
    }
}

/// When and why a certificate was revoked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevocationAnswer {
    /// When (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    pub revoked_at: String,
    /// Why: `issuedInError`, `wrongData`, `wrongPerson`, `misconduct`, `withdrawn`, `batchCancelled`,
    /// `generationFailed` (it could not be drawn, and the person's next one takes its place) or `other`.
    #[schema(example = "wrongData")]
    pub reason: String,
    /// Why, in somebody's own words.
    #[schema(value_type = Option<String>, example = "The name was misspelt.")]
    pub note: Option<Personal<String>>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::ErrorCode;

    fn checked(body: serde_json::Value) -> Result<(WhyRevoked, Option<Personal<String>>), ApiError> {
        serde_json::from_value::<RevocationRequest>(body).expect("the form is right").checked()
    }

    #[test]
    fn a_note_is_trimmed_and_an_empty_one_is_none() {
        let (reason, note) = checked(json!({"reason": "wrongData", "note": "  misspelt \n"})).unwrap();
        assert_eq!((reason, note.unwrap().reveal_str()), (WhyRevoked::WrongData, "misspelt"));
        assert!(checked(json!({"reason": "withdrawn", "note": " "})).unwrap().1.is_none());
    }

    #[test]
    fn notes_that_are_missing_too_long_or_odd_are_refused() {
        for body in [
            json!({"reason": "other"}),
            json!({"reason": "wrongData", "note": "a".repeat(MAX_NOTE_CHARS + 1)}),
            json!({"reason": "wrongData", "note": "a\u{0}b"}),
        ] {
            let error = checked(body.clone()).expect_err(&body.to_string());
            assert_eq!(error.code, ErrorCode::ValidationError);
            assert!(error.details[0].starts_with("note: "), "{:?}", error.details);
        }
    }
}
