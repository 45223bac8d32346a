//! Certificate: what people earn — the definition that issuances are made from.

use serde::{Deserialize, Serialize};
use time::Date;

use super::events::domain_events;
use super::manifest::OptionValues;
use super::person::text;
use super::{Decider, InvalidField, Locale, Refusal};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// An issuer said what people can earn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateDefined {
    /// All of it.
    #[serde(flatten)]
    pub definition: Definition,
}

/// New issuances are allowed again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateActivated {}

/// New issuances are refused from now on; what was issued stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateDeactivated {}

/// What people can earn changed; what was issued stays as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRedefined {
    /// All of it, as it is from now on.
    #[serde(flatten)]
    pub definition: Definition,
}

/// Nobody can earn it any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateDeleted {}

domain_events! {
    /// What can happen to a certificate.
    CertificateEvent for "certificate" {
        CertificateDefined, CertificateActivated, CertificateDeactivated, CertificateRedefined, CertificateDeleted,
    }
}

/// What people earn, and how it looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// The organisation that issues, 1–200 characters.
    pub client: String,
    /// The certificate's name, 1–200 characters.
    pub name: String,
    /// What was attended or passed, 1–300 characters.
    pub event_name: String,
    /// The theme that draws it.
    pub pdf_template: TemplateRef,
    /// The image behind the text; absent for the theme's own background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<DesignRef>,
    /// A link shown in the mail, `http` or `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_link: Option<String>,
    /// SendGrid's dynamic template for the mail, where that provider is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sendgrid_template_id: Option<String>,
    /// Date on the certificates, such as that of the course; absent for the date of issuing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
    /// True if a person who is imported for it must have a document number.
    #[serde(default = "yes")]
    pub requires_document: bool,
    /// The language of certificate and mail.
    pub locale: Locale,
    /// Whether new issuances are allowed from the start.
    pub is_active: bool,
}

const fn yes() -> bool {
    true
}

/// A theme, its version and its options; versions never change, so these always draw the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TemplateRef {
    /// The theme's name, such as `classic`.
    pub theme: String,
    /// The theme's version, from 1.
    pub version: u32,
    /// What the issuer set; the theme's manifest has the defaults of the rest.
    #[serde(default, skip_serializing_if = "OptionValues::is_empty")]
    pub options: OptionValues,
}

impl TemplateRef {
    /// A theme as it is, with no option set.
    #[must_use]
    pub fn new(theme: impl Into<String>, version: u32) -> Self {
        Self { theme: theme.into(), version, options: OptionValues::new() }
    }
}

/// An uploaded design image, pinned by its content.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DesignRef {
    /// Where the bytes are stored.
    pub key: String,
    /// SHA-256 of the bytes, 64 hex digits.
    pub sha256: String,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// What can be asked of a certificate.
#[derive(Clone, Debug)]
pub enum CertificateCommand {
    /// Define it.
    Define(Definition),
    /// Allow new issuances.
    Activate,
    /// Refuse new issuances.
    Deactivate,
    /// Replace the definition.
    Redefine(Definition),
    /// Take it away.
    Delete,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// The definition as it is now, or nothing: never defined, or deleted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CertificateState(pub Option<Definition>);

/// The decider of certificates.
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
                Ok(vec![CertificateDefined { definition: definition.clone() }.into()])
            }
            (CertificateCommand::Define(_), Some(_)) => Err(Refusal::AlreadyExists("certificate")),
            (_, None) => Err(Refusal::NotFound("certificate")),
            (CertificateCommand::Activate, Some(now)) if !now.is_active => {
                Ok(vec![CertificateActivated {}.into()])
            }
            (CertificateCommand::Deactivate, Some(now)) if now.is_active => {
                Ok(vec![CertificateDeactivated {}.into()])
            }
            (CertificateCommand::Activate | CertificateCommand::Deactivate, Some(_)) => Ok(Vec::new()),
            (CertificateCommand::Redefine(definition), Some(now)) if definition == now => Ok(Vec::new()),
            (CertificateCommand::Redefine(definition), Some(_)) => {
                definition.check()?;
                Ok(vec![CertificateRedefined { definition: definition.clone() }.into()])
            }
            (CertificateCommand::Delete, Some(_)) => Ok(vec![CertificateDeleted {}.into()]),
        }
    }

    fn evolve(mut state: CertificateState, event: &CertificateEvent) -> CertificateState {
        match event {
            CertificateEvent::CertificateDefined(e) => return CertificateState(Some(e.definition.clone())),
            CertificateEvent::CertificateRedefined(e) => return CertificateState(Some(e.definition.clone())),
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
    /// Rejects texts and links that no certificate can have, and names each field.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut wrong = Vec::new();
        let texts =
            [("client", &self.client, 200), ("name", &self.name, 200), ("eventName", &self.event_name, 300)];
        for (field, value, most) in texts {
            wrong.extend(text::check_line(field, value, most).err());
        }
        if let Some(link) = &self.event_link {
            let web = link.starts_with("https://") || link.starts_with("http://");
            if !web || link.len() > 2_000 || link.chars().any(|c| c.is_whitespace() || c.is_control()) {
                let message = "give an http or https address of at most 2000 characters".to_owned();
                wrong.push(InvalidField { field: "eventLink", message });
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(Refusal::Invalid(wrong)) }
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
    use crate::domain::decider::spec::given;

    fn defined() -> CertificateEvent {
        CertificateDefined { definition: definition() }.into()
    }

    #[test]
    fn a_certificate_is_defined_once() {
        given::<Certificate>(vec![]).when(CertificateCommand::Define(definition())).then(vec![defined()]);
        given::<Certificate>(vec![defined()])
            .when(CertificateCommand::Define(definition()))
            .then_refused("ALREADY_EXISTS");
    }

    #[test]
    fn every_bad_field_is_named() {
        let bad = Definition { name: " ".into(), event_link: Some("javascript:x".into()), ..definition() };
        let refusal = Certificate::decide(&CertificateState::default(), &CertificateCommand::Define(bad));
        let Err(Refusal::Invalid(fields)) = refusal else { panic!("accepted: {refusal:?}") };
        assert_eq!(fields.iter().map(|f| f.field).collect::<Vec<_>>(), ["name", "eventLink"]);
    }

    #[test]
    fn switching_is_recorded_only_when_it_switches() {
        let off: CertificateEvent = CertificateDeactivated {}.into();
        given::<Certificate>(vec![defined()]).when(CertificateCommand::Activate).then_nothing();
        given::<Certificate>(vec![defined()]).when(CertificateCommand::Deactivate).then(vec![off.clone()]);
        given::<Certificate>(vec![defined(), off])
            .when(CertificateCommand::Activate)
            .then(vec![CertificateActivated {}.into()]);
        given::<Certificate>(vec![]).when(CertificateCommand::Activate).then_refused("NOT_FOUND");
    }

    #[test]
    fn a_redefinition_is_checked_and_recorded_once() {
        let changed = Definition { name: "Keynote".to_owned(), ..definition() };
        let redefined: CertificateEvent = CertificateRedefined { definition: changed.clone() }.into();
        let redefine = |definition| CertificateCommand::Redefine(definition);
        given::<Certificate>(vec![defined()]).when(redefine(changed.clone())).then(vec![redefined.clone()]);
        given::<Certificate>(vec![defined(), redefined]).when(redefine(changed)).then_nothing();
        given::<Certificate>(vec![defined()])
            .when(redefine(Definition { name: " ".into(), ..definition() }))
            .then_refused("VALIDATION_ERROR");
        given::<Certificate>(vec![]).when(redefine(definition())).then_refused("NOT_FOUND");
    }

    #[test]
    fn what_was_deleted_is_not_there() {
        let deleted: CertificateEvent = CertificateDeleted {}.into();
        given::<Certificate>(vec![defined()]).when(CertificateCommand::Delete).then(vec![deleted.clone()]);
        let history = vec![defined(), deleted];
        given::<Certificate>(history.clone()).when(CertificateCommand::Delete).then_refused("NOT_FOUND");
        given::<Certificate>(history).when(CertificateCommand::Activate).then_refused("NOT_FOUND");
    }
}
