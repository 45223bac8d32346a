//! Certificate: the definition from which issuances are created.

use serde::{Deserialize, Serialize};
use time::Date;

use super::manifest::OptionValues;
use super::person::{plausible, text};
use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{DataSubject, Decider, FieldError, Locale, Refusal, web_url};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A certificate was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateDefined {
    /// The whole definition.
    #[serde(flatten)]
    pub definition: Definition,
}

/// New issuances are allowed again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateActivated {}

/// New issuances are refused. Existing issuances don't change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateDeactivated {}

/// The definition was replaced. Existing issuances don't change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRedefined {
    /// The whole definition after the change.
    #[serde(flatten)]
    pub definition: Definition,
}

/// The certificate was deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateDeleted {}

domain_events! {
    /// Events of a certificate.
    CertificateEvent for "certificate" {
        CertificateDefined, CertificateActivated, CertificateDeactivated, CertificateRedefined, CertificateDeleted,
    }
}

/// Definition of a certificate: its texts, its appearance and its mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// Issuing organisation, 1–200 characters.
    pub client: String,
    /// Name of the certificate, 1–200 characters.
    pub name: String,
    /// Course or event that was attended or passed, 1–300 characters.
    pub event_name: String,
    /// Theme, version and options with which the certificate is drawn.
    pub pdf_template: TemplateRef,
    /// Background image. If absent, the theme's own background is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<DesignRef>,
    /// Link in the mail, with the scheme `http` or `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_link: Option<String>,
    /// Id of the dynamic template that SendGrid uses for the mail, if SendGrid is the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sendgrid_template_id: Option<String>,
    /// Date on the certificates, such as the date of the course. If absent, the date of issue is
    /// used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
    /// True if people imported for this certificate must have a document number.
    #[serde(default = "yes")]
    pub requires_document: bool,
    /// Language of the certificate and of the mail.
    pub locale: Locale,
    /// True if new issuances are allowed.
    pub is_active: bool,
}

const fn yes() -> bool {
    true
}

/// Reference to a theme, with version and options. A version never changes, so the same reference
/// always draws the same page.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TemplateRef {
    /// Name of the theme, such as `classic`.
    pub theme: String,
    /// Version of the theme, from 1.
    pub version: u32,
    /// Options that the issuer set. Other options have the defaults of the theme's manifest.
    #[serde(default, skip_serializing_if = "OptionValues::is_empty")]
    pub options: OptionValues,
}

impl TemplateRef {
    /// Creates a reference without options.
    #[must_use]
    pub fn new(theme: impl Into<String>, version: u32) -> Self {
        Self {
            theme: theme.into(),
            version,
            options: OptionValues::new(),
        }
    }
}

/// Uploaded design image, identified by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DesignRef {
    /// Object key of the image.
    pub key: String,
    /// SHA-256 of the image, 64 hex digits.
    pub sha256: String,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to a certificate.
#[derive(Clone, Debug)]
pub enum CertificateCommand {
    /// Creates the certificate with a definition.
    Define(Definition),
    /// Allows new issuances.
    Activate,
    /// Refuses new issuances.
    Deactivate,
    /// Replaces the definition.
    Redefine(Definition),
    /// Deletes the certificate.
    Delete,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// Current definition; `None` if the certificate was never created or was deleted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CertificateState(pub Option<Definition>);

/// Decider of certificates.
pub struct Certificate;

impl Decider for Certificate {
    const AGGREGATE: &'static str = "certificate";
    type State = CertificateState;
    type Command = CertificateCommand;
    type Event = CertificateEvent;

    fn decide(
        state: &CertificateState,
        command: &CertificateCommand,
    ) -> Result<Vec<CertificateEvent>, Refusal> {
        match (command, &state.0) {
            (CertificateCommand::Define(definition), None) => {
                definition.check()?;
                Ok(vec![
                    CertificateDefined {
                        definition: definition.clone(),
                    }
                    .into(),
                ])
            }
            (CertificateCommand::Define(_), Some(_)) => Err(Refusal::AlreadyExists("certificate")),
            (_, None) => Err(Refusal::NotFound("certificate")),
            (CertificateCommand::Activate, Some(now)) if !now.is_active => {
                Ok(vec![CertificateActivated {}.into()])
            }
            (CertificateCommand::Deactivate, Some(now)) if now.is_active => {
                Ok(vec![CertificateDeactivated {}.into()])
            }
            (CertificateCommand::Activate | CertificateCommand::Deactivate, Some(_)) => {
                Ok(Vec::new())
            }
            (CertificateCommand::Redefine(definition), Some(now)) if definition == now => {
                Ok(Vec::new())
            }
            (CertificateCommand::Redefine(definition), Some(_)) => {
                definition.check()?;
                Ok(vec![
                    CertificateRedefined {
                        definition: definition.clone(),
                    }
                    .into(),
                ])
            }
            (CertificateCommand::Delete, Some(_)) => Ok(vec![CertificateDeleted {}.into()]),
        }
    }

    fn data_subject(
        _: &str,
        _: &CertificateState,
        event: &CertificateEvent,
    ) -> Option<DataSubject> {
        match event {
            CertificateEvent::CertificateDefined(_)
            | CertificateEvent::CertificateActivated(_)
            | CertificateEvent::CertificateDeactivated(_)
            | CertificateEvent::CertificateRedefined(_)
            | CertificateEvent::CertificateDeleted(_) => None,
        }
    }

    fn evolve(mut state: CertificateState, event: &CertificateEvent) -> CertificateState {
        match event {
            CertificateEvent::CertificateDefined(e) => {
                return CertificateState(Some(e.definition.clone()));
            }
            CertificateEvent::CertificateRedefined(e) => {
                return CertificateState(Some(e.definition.clone()));
            }
            CertificateEvent::CertificateDeleted(_) => return CertificateState(None),
            CertificateEvent::CertificateActivated(_) => set_active(&mut state, true),
            CertificateEvent::CertificateDeactivated(_) => set_active(&mut state, false),
        }
        state
    }
}

fn set_active(state: &mut CertificateState, is_active: bool) {
    if let Some(definition) = &mut state.0 {
        definition.is_active = is_active;
    }
}

impl Definition {
    /// Checks the texts and the link of the definition.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with one entry per invalid field.
    pub fn check(&self) -> Result<(), Refusal> {
        let mut wrong = Vec::new();
        let texts = [
            ("client", &self.client, 200),
            ("name", &self.name, 200),
            ("eventName", &self.event_name, 300),
        ];
        for (field, value, most) in texts {
            let misread = || {
                plausible::is_misread_text(value).then(|| FieldError {
                    field,
                    code: "MISREAD_TEXT",
                    message:
                        "has letters as a wrong encoding reads them, such as \"Ã©\" for \"é\"; type it again"
                            .to_owned(),
                })
            };
            wrong.extend(text::check_line(field, value, most).err().or_else(misread));
        }
        let is_link = |link: &String| link.len() <= 2_000 && web_url(link).is_some();
        if !self.event_link.as_ref().is_none_or(is_link) {
            let message = "give an http or https address of at most 2000 characters";
            wrong.push(FieldError::invalid("eventLink", message));
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Invalid(wrong))
        }
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    pub(crate) fn definition() -> Definition {
        Definition {
            client: "Acme".to_owned(),
            name: "Speaker".to_owned(),
            event_name: "Summit 2026".to_owned(),
            pdf_template: TemplateRef::new("classic", 1),
            design: None,
            event_link: None,
            sendgrid_template_id: None,
            issue_date: None,
            requires_document: true,
            locale: Locale::En,
            is_active: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::definition;
    use super::*;
    use crate::domain::kernel::decider::spec::given;

    fn defined() -> CertificateEvent {
        CertificateDefined {
            definition: definition(),
        }
        .into()
    }

    #[test]
    fn a_certificate_is_defined_once() {
        given::<Certificate>(vec![])
            .when(CertificateCommand::Define(definition()))
            .then(vec![defined()]);
        given::<Certificate>(vec![defined()])
            .when(CertificateCommand::Define(definition()))
            .then_refused("ALREADY_EXISTS");
    }

    #[test]
    fn every_invalid_field_is_named() {
        let bad = Definition {
            name: " ".into(),
            event_link: Some("javascript:x".into()),
            ..definition()
        };
        let refusal = Certificate::decide(
            &CertificateState::default(),
            &CertificateCommand::Define(bad),
        );
        let Err(Refusal::Invalid(fields)) = refusal else {
            panic!("accepted: {refusal:?}")
        };
        assert_eq!(
            fields.iter().map(|f| f.field).collect::<Vec<_>>(),
            ["name", "eventLink"]
        );
    }

    #[test]
    fn activation_is_recorded_only_if_it_changes_the_state() {
        let off: CertificateEvent = CertificateDeactivated {}.into();
        given::<Certificate>(vec![defined()])
            .when(CertificateCommand::Activate)
            .then_nothing();
        given::<Certificate>(vec![defined()])
            .when(CertificateCommand::Deactivate)
            .then(vec![off.clone()]);
        given::<Certificate>(vec![defined(), off])
            .when(CertificateCommand::Activate)
            .then(vec![CertificateActivated {}.into()]);
        given::<Certificate>(vec![])
            .when(CertificateCommand::Activate)
            .then_refused("NOT_FOUND");
    }

    #[test]
    fn a_redefinition_is_checked_and_recorded_once() {
        let changed = Definition {
            name: "Keynote".to_owned(),
            ..definition()
        };
        let redefined: CertificateEvent = CertificateRedefined {
            definition: changed.clone(),
        }
        .into();
        let redefine = |definition| CertificateCommand::Redefine(definition);
        given::<Certificate>(vec![defined()])
            .when(redefine(changed.clone()))
            .then(vec![redefined.clone()]);
        given::<Certificate>(vec![defined(), redefined])
            .when(redefine(changed))
            .then_nothing();
        given::<Certificate>(vec![defined()])
            .when(redefine(Definition {
                name: " ".into(),
                ..definition()
            }))
            .then_refused("VALIDATION_ERROR");
        given::<Certificate>(vec![])
            .when(redefine(definition()))
            .then_refused("NOT_FOUND");
    }

    #[test]
    fn deleted_certificate_is_not_found() {
        let deleted: CertificateEvent = CertificateDeleted {}.into();
        given::<Certificate>(vec![defined()])
            .when(CertificateCommand::Delete)
            .then(vec![deleted.clone()]);
        let history = vec![defined(), deleted];
        given::<Certificate>(history.clone())
            .when(CertificateCommand::Delete)
            .then_refused("NOT_FOUND");
        given::<Certificate>(history)
            .when(CertificateCommand::Activate)
            .then_refused("NOT_FOUND");
    }
}
