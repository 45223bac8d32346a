//! Generated certificates: one person's certificate each.

pub mod delete;
pub mod export;
pub mod generate;
pub mod get;
pub mod list;
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

use super::super::HttpState;
use crate::domain::Personal;
use crate::domain::public_id::printed;
use crate::projection::queries::issuances::IssuanceRow;

/// One person's certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuanceAnswer {
    /// The generated certificate's id.
    pub id: Uuid,
    /// What the person earned.
    pub certificate_id: Uuid,
    /// Who earned it.
    pub attendee_id: Uuid,
    /// The batch that asked for it, if one did.
    pub batch_id: Option<Uuid>,
    /// The import that asked for it, if one did.
    pub import_id: Option<Uuid>,
    /// Its number in addresses, 32 hexadecimal digits.
    #[schema(example = "00112233445566778899aabbccddeeff")]
    pub public_id: String,
    /// Its number as printed on the certificate.
    #[schema(example = "0024H-36H2N-CSVRH-6DAQF-6DVVQ-ZW")]
    pub number: String,
    /// Where the PDF can be fetched without login.
    pub url: String,
    /// Where anybody can verify it.
    pub verification_url: String,
    /// `requested`, `generated`, `failed` or `revoked`.
    #[schema(example = "generated")]
    pub state: String,
    /// When the PDF was made (RFC 3339).
    pub generated_at: Option<String>,
    /// Whether a mail about it was sent.
    pub is_sent: bool,
    /// The person's name, as shown.
    #[schema(value_type = String)]
    pub full_name: Personal<String>,
    /// The certificate's name, as shown.
    pub certificate_name: String,
    /// What was attended or passed, as shown.
    pub event_name: String,
    /// The organisation, as shown.
    pub client: String,
    /// The date shown.
    #[schema(example = "2026-11-21")]
    pub issue_date: String,
    /// SHA-256 of the PDF, 64 hex digits.
    pub sha256: Option<String>,
    /// The PDF's size in bytes.
    pub size: Option<i64>,
    /// Why there is no PDF. Once that is put right, generate the certificate for this person again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<GenerationFailure>,
    /// When and why it was revoked, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<RevocationAnswer>,
}

/// Why there is no PDF.
#[derive(Serialize, ToSchema)]
pub struct GenerationFailure {
    /// A stable code.
    pub code: String,
    /// What went wrong.
    #[schema(value_type = Option<String>)]
    pub reason: Option<Personal<String>>,
}

impl IssuanceAnswer {
    fn of_row(http: &HttpState, row: IssuanceRow) -> Self {
        let page = http.public_url(&format!("/certificate/{}", row.public_id));
        let reason = row.failure_reason;
        let (revoked_at, note) = (row.revoked_at, row.revocation_note);
        let revocation = row.revocation_reason.zip(revoked_at).map(|(reason, at)| RevocationAnswer {
            revoked_at: super::rfc3339(at),
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
            generated_at: row.generated_at.map(super::rfc3339),
            is_sent: row.is_sent,
            full_name: row.full_name,
            certificate_name: row.certificate_name,
            event_name: row.event_name,
            client: row.client,
            issue_date: row.issue_date.to_string(),
            sha256: row.sha256,
            size: row.size,
            failure: row.failure_code.map(|code| GenerationFailure { code, reason }),
            revocation,
        }
    }
}
