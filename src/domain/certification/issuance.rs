//! Issuance: one person's certificate. The API calls it "generated certificate".
//!
//! `CertificateRequested` contains all input of the PDF, so that rendering it again yields the same
//! bytes on any machine and at any time.

use serde::{Deserialize, Serialize};
use time::Date;

use super::certificate::{DesignRef, TemplateRef};
use super::mail::MailDelivery;
use super::origin::Origin;
use super::template::TemplateFiles;
use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{
    AttendeeId, BatchId, CertificateId, DataSubject, Decider, Locale, Personal, Refusal,
};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// The issuance of a certificate to a person was requested. All texts and images on the certificate
/// are fixed from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRequested {
    /// Certificate to issue.
    pub certificate_id: CertificateId,
    /// Person who gets the certificate.
    pub attendee_id: AttendeeId,
    /// Origins of the issuance, such as a batch and its import. Each kind occurs at most once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
    /// Public id of the certificate: 32 hex digits of 128 random bits.
    pub public_id: String,
    /// Text and appearance of the certificate.
    #[serde(flatten)]
    pub page: Page,
    /// E-mail address of the recipient.
    pub email: Personal<String>,
    /// Link in the mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_link: Option<String>,
    /// Delivery of the mail with the certificate.
    #[serde(default, skip_serializing_if = "MailDelivery::is_immediate")]
    pub delivery: MailDelivery,
}

/// The PDF was rendered. It never changes from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateGenerated {
    /// Certificate of the issuance.
    pub certificate_id: CertificateId,
    /// Public id of the issuance.
    pub public_id: String,
    /// Object key of the PDF.
    pub object_key: String,
    /// SHA-256 of the PDF, 64 hex digits.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
}

/// The PDF could not be rendered. A user has to read the reason and correct the cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateGenerationFailed {
    /// Stable error code.
    pub code: String,
    /// Description of the error. It may quote characters of the person's name.
    pub reason: Personal<String>,
}

/// The certificate was revoked. Its data stays in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRevoked {
    /// Machine-readable reason.
    pub reason: WhyRevoked,
    /// Reason in free text. It may name people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Personal<String>>,
    /// Batch whose cancellation or undo revoked the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<BatchId>,
}

domain_events! {
    /// Events of an issuance.
    IssuanceEvent for "issuance" {
        CertificateRequested, CertificateGenerated, CertificateGenerationFailed, CertificateRevoked,
    }
}

/// Reason for a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WhyRevoked {
    /// The certificate should not have been issued.
    IssuedInError,
    /// The certificate shows wrong data. A corrected one may follow.
    WrongData,
    /// The certificate was issued to the wrong person.
    WrongPerson,
    /// The achievement was not earned honestly.
    Misconduct,
    /// The issuer withdraws the certificate and gives no reason.
    Withdrawn,
    /// The batch was cancelled before the certificate was rendered.
    BatchCancelled,
    /// The certificate could not be rendered, and another issuance for the person replaces it.
    GenerationFailed,
    /// Another reason, which the note gives.
    Other,
}

impl WhyRevoked {
    /// All reasons.
    pub const ALL: [Self; 8] = [
        Self::IssuedInError,
        Self::WrongData,
        Self::WrongPerson,
        Self::Misconduct,
        Self::Withdrawn,
        Self::BatchCancelled,
        Self::GenerationFailed,
        Self::Other,
    ];
}

/// Fixed input of the renderer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// Theme, version and options.
    pub pdf_template: TemplateRef,
    /// Files of the template, if an issuer wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_template: Option<TemplateFiles>,
    /// Version of the renderer.
    pub renderer_version: String,
    /// SHA-256 over all bundled fonts.
    pub fonts_sha256: String,
    /// Background image. If absent, the theme's own background is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<DesignRef>,
    /// Language of the certificate.
    pub locale: Locale,
    /// Date on the certificate.
    pub issue_date: Date,
    /// Base of public URLs: scheme, host and path before `/certificate/{publicId}`.
    pub public_base_url: String,
    /// Issuing organisation.
    pub client: String,
    /// Name of the certificate.
    pub certificate_name: String,
    /// Course or event that was attended or passed.
    pub event_name: String,
    /// Name of the person.
    pub full_name: Personal<String>,
    /// Document number of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_number: Option<Personal<String>>,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to an issuance.
#[derive(Clone, Debug)]
pub enum IssuanceCommand {
    /// Requests the issuance. A repeated request changes nothing.
    Request(Box<CertificateRequested>),
    /// Records that the PDF was rendered.
    RecordGenerated(CertificateGenerated),
    /// Records that the PDF can't be rendered.
    RecordFailure(CertificateGenerationFailed),
    /// Revokes the certificate. A second revocation changes nothing, so the first reason is kept.
    Revoke(CertificateRevoked),
    /// Revokes the certificate unless it has a PDF.
    RevokeUnfinished(CertificateRevoked),
    /// Revokes the certificate because another issuance for the person replaces it. Refused unless
    /// its rendering failed.
    GiveWay,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// State of an issuance: its request and the outcome.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IssuanceState {
    /// The request.
    pub request: Option<CertificateRequested>,
    /// The rendered PDF.
    pub generated: Option<CertificateGenerated>,
    /// Last rendering failure, if there is no PDF.
    pub failure: Option<CertificateGenerationFailed>,
    /// The revocation.
    pub revoked: Option<CertificateRevoked>,
}

/// Status of an issuance. It depends on all events of the issuance, not only on the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuanceStatus {
    /// The issuance was not requested.
    Absent,
    /// The PDF is not rendered yet.
    Requested,
    /// The PDF is rendered, and the certificate is valid.
    Generated,
    /// The PDF could not be rendered.
    Failed,
    /// The certificate was revoked. This status is final.
    Revoked,
}

impl IssuanceStatus {
    /// Returns true if the person holds the certificate or will get it. A person has at most one
    /// such issuance of a certificate.
    #[must_use]
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Requested | Self::Generated)
    }
}

impl IssuanceState {
    /// Returns the status.
    #[must_use]
    pub const fn status(&self) -> IssuanceStatus {
        if self.request.is_none() {
            IssuanceStatus::Absent
        } else if self.revoked.is_some() {
            IssuanceStatus::Revoked
        } else if self.generated.is_some() {
            IssuanceStatus::Generated
        } else if self.failure.is_some() {
            IssuanceStatus::Failed
        } else {
            IssuanceStatus::Requested
        }
    }
}

/// Decider of issuances.
pub struct Issuance;

impl Decider for Issuance {
    const AGGREGATE: &'static str = "issuance";
    type State = IssuanceState;
    type Command = IssuanceCommand;
    type Event = IssuanceEvent;

    fn decide(
        state: &IssuanceState,
        command: &IssuanceCommand,
    ) -> Result<Vec<IssuanceEvent>, Refusal> {
        match (command, &state.request, &state.generated) {
            (IssuanceCommand::Request(request), None, _) => {
                Ok(vec![IssuanceEvent::from((**request).clone())])
            }
            (IssuanceCommand::Request(_), Some(_), _) => Ok(Vec::new()),
            (_, None, _) => Err(Refusal::NotFound("generated certificate")),
            // A PDF that is rendered after the revocation is not recorded, so no mail is queued.
            _ if state.status() == IssuanceStatus::Revoked => Ok(Vec::new()),
            (IssuanceCommand::RevokeUnfinished(_), Some(_), Some(_)) => Ok(Vec::new()),
            (IssuanceCommand::Revoke(why) | IssuanceCommand::RevokeUnfinished(why), Some(_), _) => {
                Ok(vec![why.clone().into()])
            }
            // No PDF is recorded after this revocation. So a PDF that is rendered late can't exist
            // in addition to that of the next issuance.
            (IssuanceCommand::GiveWay, Some(_), _) if state.status() == IssuanceStatus::Failed => {
                let reason = WhyRevoked::GenerationFailed;
                Ok(vec![
                    CertificateRevoked {
                        reason,
                        note: None,
                        batch_id: None,
                    }
                    .into(),
                ])
            }
            (IssuanceCommand::GiveWay, Some(_), _) => Err(Refusal::WrongState(
                "only a certificate that could not be drawn can be replaced by another".to_owned(),
            )),
            (IssuanceCommand::RecordGenerated(pdf), Some(_), None) => Ok(vec![pdf.clone().into()]),
            (IssuanceCommand::RecordGenerated(pdf), Some(_), Some(frozen))
                if pdf.sha256 == frozen.sha256 =>
            {
                Ok(Vec::new())
            }
            (IssuanceCommand::RecordGenerated(_), Some(_), Some(_)) => Err(Refusal::WrongState(
                "the PDF that was rendered again differs from the issued one; the issued one is kept"
                    .to_owned(),
            )),
            (IssuanceCommand::RecordFailure(_), Some(_), Some(_)) => Ok(Vec::new()),
            (IssuanceCommand::RecordFailure(failure), Some(_), None)
                if state.failure.as_ref() == Some(failure) =>
            {
                Ok(Vec::new())
            }
            (IssuanceCommand::RecordFailure(failure), Some(_), None) => {
                Ok(vec![failure.clone().into()])
            }
        }
    }

    fn data_subject(_: &str, state: &IssuanceState, event: &IssuanceEvent) -> Option<DataSubject> {
        match event {
            IssuanceEvent::CertificateRequested(e) => Some(DataSubject::Attendee(e.attendee_id.0)),
            IssuanceEvent::CertificateGenerated(_)
            | IssuanceEvent::CertificateGenerationFailed(_)
            | IssuanceEvent::CertificateRevoked(_) => {
                let request = state.request.as_ref()?;
                Some(DataSubject::Attendee(request.attendee_id.0))
            }
        }
    }

    fn evolve(mut state: IssuanceState, event: &IssuanceEvent) -> IssuanceState {
        match event {
            IssuanceEvent::CertificateRequested(e) => state.request = Some(e.clone()),
            IssuanceEvent::CertificateGenerated(e) => {
                state.generated = Some(e.clone());
                state.failure = None;
            }
            IssuanceEvent::CertificateGenerationFailed(e) => state.failure = Some(e.clone()),
            IssuanceEvent::CertificateRevoked(e) => state.revoked = Some(e.clone()),
        }
        state
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use uuid::Uuid;

    use super::*;

    pub(crate) fn request(name: &str) -> CertificateRequested {
        CertificateRequested {
            certificate_id: Uuid::from_u128(1).into(),
            attendee_id: Uuid::from_u128(2).into(),
            origins: Vec::new(),
            public_id: "00112233445566778899aabbccddeeff".to_owned(),
            page: Page {
                pdf_template: TemplateRef::new("classic", 1),
                own_template: None,
                renderer_version: "1".to_owned(),
                fonts_sha256: "ab".repeat(32),
                design: None,
                locale: Locale::En,
                issue_date: time::macros::date!(2026 - 11 - 21),
                public_base_url: "https://certificates.example.com".to_owned(),
                client: "Acme".to_owned(),
                certificate_name: "Speaker".to_owned(),
                event_name: "Summit 2026".to_owned(),
                full_name: name.to_owned().into(),
                document_number: None,
            },
            email: "ada@example.com".to_owned().into(),
            event_link: None,
            delivery: MailDelivery::Immediate,
        }
    }

    pub(crate) fn generated(sha256: &str) -> CertificateGenerated {
        CertificateGenerated {
            certificate_id: Uuid::from_u128(1).into(),
            public_id: "00112233445566778899aabbccddeeff".to_owned(),
            object_key: "certificates/a.pdf".to_owned(),
            sha256: sha256.to_owned(),
            size: 9,
        }
    }

    pub(crate) fn revoked(reason: WhyRevoked, note: Option<&str>) -> CertificateRevoked {
        CertificateRevoked {
            reason,
            note: note.map(|note| note.to_owned().into()),
            batch_id: None,
        }
    }
}

#[cfg(test)]
mod tests;
