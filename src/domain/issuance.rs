//! Issuance: one person's certificate ("generated certificate" in the API).
//!
//! Everything that the PDF is made of is pinned in `CertificateRequested`, so that rendering it
//! again, on any machine and at any time, gives the same bytes.

use serde::{Deserialize, Serialize};
use time::Date;

use super::certificate::{DesignRef, TemplateRef};
use super::email::MailDelivery;
use super::events::domain_events;
use super::template::TemplateFiles;
use super::{AttendeeId, BatchId, CertificateId, Decider, ImportId, Locale, Personal, Refusal};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A person is to get a certificate; nothing that it shows can change any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRequested {
    /// What the person earned.
    pub certificate_id: CertificateId,
    /// Who earned it.
    pub attendee_id: AttendeeId,
    /// What asked for it.
    #[serde(flatten)]
    pub origin: Origin,
    /// Addresses the certificate in public: 32 hex digits of 128 random bits.
    pub public_id: String,
    /// What the page shows and how it is drawn.
    #[serde(flatten)]
    pub page: Page,
    /// Where the mail goes.
    pub email: Personal<String>,
    /// A link shown in the mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_link: Option<String>,
    /// When the mail about it may go out.
    #[serde(default, skip_serializing_if = "MailDelivery::is_immediate")]
    pub delivery: MailDelivery,
}

/// The PDF exists and is frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateGenerated {
    /// Where the bytes are stored.
    pub object_key: String,
    /// SHA-256 of the bytes, 64 hex digits.
    pub sha256: String,
    /// How many bytes.
    pub size: u64,
}

/// No PDF could be made; a person has to look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateGenerationFailed {
    /// The error's stable code.
    pub code: String,
    /// What went wrong; may quote characters of the person's name.
    pub reason: Personal<String>,
}

/// The certificate doesn't count any more. What it showed stays in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRevoked {
    /// Why, for programs.
    pub reason: WhyRevoked,
    /// Why, in somebody's own words; may name people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Personal<String>>,
    /// The batch that was stopped or undone, if that was it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<BatchId>,
}

domain_events! {
    /// What can happen to an issuance.
    IssuanceEvent for "issuance" {
        CertificateRequested, CertificateGenerated, CertificateGenerationFailed, CertificateRevoked,
    }
}

/// Why a certificate doesn't count any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WhyRevoked {
    /// It should not have been issued.
    IssuedInError,
    /// It shows something wrong; a corrected one may follow.
    WrongData,
    /// It went to somebody else than who earned it.
    WrongPerson,
    /// What it certifies was not earned honestly.
    Misconduct,
    /// The issuer takes it back without saying more.
    Withdrawn,
    /// The batch that made it was stopped before it was drawn.
    BatchCancelled,
    /// It could not be drawn, and the person's next one takes its place.
    GenerationFailed,
    /// See the note.
    Other,
}

impl WhyRevoked {
    /// All of them.
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

/// What asked for an issuance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The batch, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<BatchId>,
    /// The import, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_id: Option<ImportId>,
}

/// The pinned input of the renderer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// Theme and version.
    pub pdf_template: TemplateRef,
    /// The files of the template, where an issuer wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_template: Option<TemplateFiles>,
    /// The program that draws it.
    pub renderer_version: String,
    /// SHA-256 over all bundled fonts.
    pub fonts_sha256: String,
    /// The image behind the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<DesignRef>,
    /// The language.
    pub locale: Locale,
    /// The date shown.
    pub issue_date: Date,
    /// Where the public finds it: scheme, host and path before `/certificate/{publicId}`.
    pub public_base_url: String,
    /// The organisation that issues.
    pub client: String,
    /// The certificate's name.
    pub certificate_name: String,
    /// What was attended or passed.
    pub event_name: String,
    /// The person's name.
    pub full_name: Personal<String>,
    /// The person's document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_number: Option<Personal<String>>,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// What can be asked of an issuance.
#[derive(Clone, Debug)]
pub enum IssuanceCommand {
    /// Issue; asked again for the same person and certificate, nothing happens.
    Request(Box<CertificateRequested>),
    /// Note that the PDF exists.
    RecordGenerated(CertificateGenerated),
    /// Note that the PDF can't be made.
    RecordFailure(CertificateGenerationFailed),
    /// Revoke it; asked again, the first reason stays.
    Revoke(CertificateRevoked),
    /// Revoke it if it has no PDF yet; one that has stays.
    RevokeUnfinished(CertificateRevoked),
    /// Revoke it because the person's next one takes its place; only what could not be drawn does.
    GiveWay,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// The request, and what became of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IssuanceState {
    /// What was pinned.
    pub request: Option<CertificateRequested>,
    /// The frozen PDF.
    pub generated: Option<CertificateGenerated>,
    /// The last failure since the request, if there is no PDF.
    pub failure: Option<CertificateGenerationFailed>,
    /// Why it doesn't count any more. Nothing happens to it after that.
    pub revoked: Option<CertificateRevoked>,
}

impl IssuanceState {
    /// Whether the person holds it or is still to get it: it is not revoked, nor was it given up.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.request.is_some() && self.revoked.is_none() && self.failure.is_none()
    }
}

/// The decider of issuances.
pub struct Issuance;

impl Decider for Issuance {
    const AGGREGATE: &'static str = "issuance";
    type State = IssuanceState;
    type Command = IssuanceCommand;
    type Event = IssuanceEvent;

    fn decide(state: &IssuanceState, command: &IssuanceCommand) -> Result<Vec<IssuanceEvent>, Refusal> {
        match (command, &state.request, &state.generated) {
            (IssuanceCommand::Request(request), None, _) => {
                Ok(vec![IssuanceEvent::from((**request).clone())])
            }
            (IssuanceCommand::Request(_), Some(_), _) => Ok(Vec::new()),
            (_, None, _) => Err(Refusal::NotFound("generated certificate")),
            // A PDF that comes too late is not recorded, and so no mail follows.
            _ if state.revoked.is_some() => Ok(Vec::new()),
            (IssuanceCommand::RevokeUnfinished(_), Some(_), Some(_)) => Ok(Vec::new()),
            (IssuanceCommand::Revoke(why) | IssuanceCommand::RevokeUnfinished(why), Some(_), _) => {
                Ok(vec![why.clone().into()])
            }
            // From now on no PDF is recorded, so that a late one can't stand beside the next issuance.
            (IssuanceCommand::GiveWay, Some(_), _) if state.failure.is_some() => {
                let reason = WhyRevoked::GenerationFailed;
                Ok(vec![CertificateRevoked { reason, note: None, batch_id: None }.into()])
            }
            (IssuanceCommand::GiveWay, Some(_), _) => Err(Refusal::WrongState(
                "only a certificate that could not be drawn gives way to another".to_owned(),
            )),
            (IssuanceCommand::RecordGenerated(pdf), Some(_), None) => Ok(vec![pdf.clone().into()]),
            (IssuanceCommand::RecordGenerated(pdf), Some(_), Some(frozen)) if pdf.sha256 == frozen.sha256 => {
                Ok(Vec::new())
            }
            (IssuanceCommand::RecordGenerated(_), Some(_), Some(_)) => Err(Refusal::WrongState(
                "the PDF that was made again differs from the issued one; the issued one stays".to_owned(),
            )),
            (IssuanceCommand::RecordFailure(_), Some(_), Some(_)) => Ok(Vec::new()),
            (IssuanceCommand::RecordFailure(failure), Some(_), None)
                if state.failure.as_ref() == Some(failure) =>
            {
                Ok(Vec::new())
            }
            (IssuanceCommand::RecordFailure(failure), Some(_), None) => Ok(vec![failure.clone().into()]),
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
            origin: Origin::default(),
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
            object_key: "certificates/a.pdf".to_owned(),
            sha256: sha256.to_owned(),
            size: 9,
        }
    }

    pub(crate) fn revoked(reason: WhyRevoked, note: Option<&str>) -> CertificateRevoked {
        CertificateRevoked { reason, note: note.map(|note| note.to_owned().into()), batch_id: None }
    }
}

#[cfg(test)]
mod tests;
