//! Generated certificates: issuances, each of one certificate to one person.

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

use crate::domain::Personal;
use crate::domain::certification::public_id::printed;
use crate::http::HttpState;
use crate::http::protocol::names::IssuanceStateName;
use crate::http::protocol::timestamp::Timestamp;
use crate::projection::queries::issuances::IssuanceRow;

/// A certificate that is issued to one person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuanceAnswer {
    /// Id of the generated certificate.
    pub id: Uuid,
    /// Id of the certificate that the person earned.
    pub certificate_id: Uuid,
    /// Id of the person who earned it.
    pub attendee_id: Uuid,
    /// Id of the batch that requested it, if any.
    pub batch_id: Option<Uuid>,
    /// Id of the import that requested it, if any.
    pub import_id: Option<Uuid>,
    /// Number in addresses: 32 hexadecimal digits.
    #[schema(example = "00112233445566778899aabbccddeeff")]
    pub public_id: String,
    /// Number as printed on the certificate.
    #[schema(example = "0024H-36H2N-CSVRH-6DAQF-6DVVQ-ZW")]
    pub number: String,
    /// Address of the PDF. It needs no login.
    pub url: String,
    /// Address of the public page that verifies it.
    pub verification_url: String,
    /// `requested`, `generated`, `failed` or `revoked`.
    #[schema(value_type = IssuanceStateName)]
    pub state: String,
    /// Time at which the PDF was created (RFC 3339); null before that.
    pub generated_at: Option<Timestamp>,
    /// True if a mail about it was sent.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<GenerationFailure>,
    /// Time of and reason for the revocation, if it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<RevocationAnswer>,
}

/// Reason why there is no PDF.
#[derive(Serialize, ToSchema)]
pub struct GenerationFailure {
    /// Stable code.
    pub code: String,
    /// Problem, as a text.
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
        }
    }
}
