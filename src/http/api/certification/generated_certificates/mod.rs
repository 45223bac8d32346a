//! Generated certificates. Each is an issuance of one certificate to one person.

pub mod export;
pub mod generate;
pub mod read;
mod recipients;
mod rehearsal;
pub mod revocation;
pub mod revoke;
pub mod sample;
pub mod send_email;

use revocation::RevocationAnswer;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::commands::History;
use crate::domain::certification::issuance::{Issuance, IssuanceEvent, IssuanceStatus};
use crate::domain::certification::origin::Origin;
use crate::domain::certification::public_id::printed;
use crate::domain::{IssuanceId, Personal};
use crate::http::protocol::names::IssuanceStateName;
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::issuances::IssuanceRow;

/// A certificate that was issued to one person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuanceAnswer {
    /// Id of the generated certificate.
    pub id: Uuid,
    /// Id of the certificate that the person earned.
    pub certificate_id: Uuid,
    /// Id of the person who earned it.
    pub attendee_id: Uuid,
    /// Id of the batch that requested the certificate, if a batch did.
    pub batch_id: Option<Uuid>,
    /// Id of the import that requested the certificate, if an import did.
    pub import_id: Option<Uuid>,
    /// Number in URLs: 32 hexadecimal digits.
    #[schema(example = "00112233445566778899aabbccddeeff")]
    pub public_id: String,
    /// Number that is printed on the certificate.
    #[schema(example = "0024H-36H2N-CSVRH-6DAQF-6DVVQ-ZW")]
    pub number: String,
    /// URL of the PDF. No authentication is needed.
    pub url: String,
    /// URL of the public page that verifies the certificate.
    pub verification_url: String,
    /// `requested`, `generated`, `failed` or `revoked`.
    #[schema(value_type = IssuanceStateName)]
    pub state: String,
    /// Time at which the PDF was created (RFC 3339). Null until then.
    pub generated_at: Option<Timestamp>,
    /// True if a mail about the certificate was sent.
    pub is_sent: bool,
    /// Name of the person, as shown on the certificate.
    #[schema(value_type = String)]
    pub full_name: Personal<String>,
    /// Name of the certificate, as shown on it.
    pub certificate_name: String,
    /// Name of the event, as shown on the certificate.
    pub event_name: String,
    /// Name of the organization, as shown on the certificate.
    pub client: String,
    /// Date shown on the certificate.
    #[schema(example = "2026-11-21")]
    pub issue_date: String,
    /// SHA-256 of the PDF: 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// Size of the PDF in bytes.
    pub size: Option<i64>,
    /// Reason why there is no PDF. Correct it, and generate the certificate for this person again.
    pub failure: Option<GenerationFailure>,
    /// Time of and reason for the revocation, if it was revoked.
    pub revocation: Option<RevocationAnswer>,
    /// Time of the request (RFC 3339).
    pub created_at: Timestamp,
    /// Time of the last change of the certificate itself (RFC 3339). Changes of its mails do not
    /// count.
    pub updated_at: Timestamp,
}

/// Reason why no PDF could be created.
#[derive(Serialize, ToSchema)]
pub struct GenerationFailure {
    /// Stable code.
    pub code: String,
    /// Text for people: the problem.
    #[schema(value_type = Option<String>)]
    pub reason: Option<Personal<String>>,
}

impl IssuanceAnswer {
    fn of_row(http: &HttpState, row: IssuanceRow) -> Self {
        let page = http.public_url(&format!("/certificate/{}", row.public_id));
        let reason = row.failure_reason;
        let revoked_at = row.revoked_at;
        let note = row.revocation_note;
        let revocation =
            row.revocation_reason
                .zip(revoked_at)
                .map(|(reason, at)| RevocationAnswer {
                    revoked_at: Timestamp(at),
                    reason,
                    note,
                });
        Self {
            id: row.id,
            certificate_id: row.certificate_id,
            attendee_id: row.attendee_id,
            batch_id: row.batch_id,
            import_id: row.import_id,
            number: printed(&row.public_id),
            public_id: row.public_id,
            url: format!("{page}/download"),
            verification_url: page,
            state: row.state,
            generated_at: row.generated_at.map(Timestamp),
            is_sent: row.is_sent,
            full_name: row.full_name,
            certificate_name: row.certificate_name,
            event_name: row.event_name,
            client: row.client,
            issue_date: row.issue_date.to_string(),
            sha256: row.sha256,
            size: row.size,
            failure: row
                .failure_code
                .map(|code| GenerationFailure { code, reason }),
            revocation,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        }
    }

    /// Returns the certificate from its events in the log.
    ///
    /// # Errors
    /// 404 if there is none.
    fn of_history(
        http: &HttpState,
        id: IssuanceId,
        history: History<Issuance>,
        is_sent: bool,
    ) -> Result<Self, ApiError> {
        let state = history.state;
        let name = match state.status() {
            IssuanceStatus::Absent => return Err(ApiError::not_found("generated certificate")),
            IssuanceStatus::Requested => "requested",
            IssuanceStatus::Generated => "generated",
            IssuanceStatus::Failed => "failed",
            IssuanceStatus::Revoked => "revoked",
        };
        let request = state.request;
        let request = request.ok_or_else(|| ApiError::not_found("generated certificate"))?;
        let time_of = |is_it: fn(&IssuanceEvent) -> bool| {
            let found = history.events.iter().rfind(|(_, event)| is_it(event));
            found.map(|(time, _)| Timestamp(*time))
        };
        let generated_at = time_of(|event| matches!(event, IssuanceEvent::CertificateGenerated(_)));
        let revoked_at = time_of(|event| matches!(event, IssuanceEvent::CertificateRevoked(_)));
        let revocation = match state.revoked.zip(revoked_at) {
            Some((revoked, revoked_at)) => Some(RevocationAnswer::of(revoked, revoked_at)?),
            None => None,
        };
        let page = http.public_url(&format!("/certificate/{}", request.public_id));
        Ok(Self {
            id: id.0,
            certificate_id: request.certificate_id.0,
            attendee_id: request.attendee_id.0,
            batch_id: Origin::batch_of(&request.origins).map(|id| id.0),
            import_id: Origin::import_of(&request.origins).map(|id| id.0),
            number: printed(&request.public_id),
            public_id: request.public_id,
            url: format!("{page}/download"),
            verification_url: page,
            state: name.to_owned(),
            generated_at,
            is_sent,
            full_name: request.page.full_name,
            certificate_name: request.page.certificate_name,
            event_name: request.page.event_name,
            client: request.page.client,
            issue_date: request.page.issue_date.to_string(),
            size: state
                .generated
                .as_ref()
                .map(|pdf| i64::try_from(pdf.size).unwrap_or(i64::MAX)),
            sha256: state.generated.map(|pdf| pdf.sha256),
            failure: state.failure.map(|failure| GenerationFailure {
                code: failure.code,
                reason: Some(failure.reason),
            }),
            revocation,
            created_at: Timestamp(history.created_at),
            updated_at: Timestamp(history.updated_at),
        })
    }
}
