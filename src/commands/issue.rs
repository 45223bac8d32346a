//! Issuing a certificate to a person. The issuance stores all data from which the PDF is made.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use time::Date;
use uuid::Uuid;

use super::{Aggregates, CommandContext, CommandError, Commands, Loaded, Transaction, Wanted};
use crate::domain::certification::attendee::Attendee;
use crate::domain::certification::certificate::{Certificate, Definition, TemplateRef};
use crate::domain::certification::issuance::{
    CertificateRequested, Issuance, IssuanceCommand, IssuanceEvent, IssuanceStatus, Page,
};
use crate::domain::certification::mail::{MailDelivery, OnUnknown};
use crate::domain::certification::reactions::Issue;
use crate::domain::certification::template::{OwnTemplate, Template, TemplateFiles};
use crate::domain::{AttendeeId, CertificateId, IssuanceId, Person, Refusal, TimeZone};
use crate::event_log::Consistency;

/// Maximum number of issuances of one certificate to one person. Each one after the first replaces
/// one that was revoked or could not be drawn.
pub(super) const MAX_ISSUANCES: u32 = 100;

/// Values that an issuance stores in addition to those of the certificate and person, and the
/// policy for its mail.
#[derive(Clone)]
pub struct IssuingFacts {
    /// Version of the renderer.
    pub renderer_version: String,
    /// SHA-256 over all bundled fonts.
    pub fonts_sha256: String,
    /// Public base URL of certificates.
    pub public_base_url: String,
    /// Source of the 128 random bits for a public id.
    pub random: fn() -> u128,
    /// Policy for a mail that has a claim but no outcome.
    pub on_unknown: OnUnknown,
    /// Time zone in which the date of issue is determined.
    pub time_zone: TimeZone,
}

/// Result of issuing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issued {
    /// This command created the issuance.
    New(IssuanceId),
    /// The issuance had already been created.
    Existing(IssuanceId),
}

/// Certificates, people and first issuances of several requests, loaded together.
#[derive(Default)]
pub struct Prepared {
    /// People and first issuances.
    aggregates: Arc<Aggregates>,
    offers: HashMap<CertificateId, Offer>,
}

/// Certificate that can be issued.
struct Offer {
    definition: Definition,
    /// Template, if an issuer wrote it and it exists.
    own_template: Option<OwnTemplate>,
}

/// Loads the data that the requests `wanted` need, with this consistency.
///
/// # Errors
/// The log can't be read.
pub async fn prepare(
    commands: &Commands,
    wanted: &[Issue],
    at: &Consistency,
) -> Result<Prepared, CommandError> {
    let names = commands.log().names();
    let mut aggregates = Aggregates::default();
    let mut people = Wanted::default();
    for issue in wanted {
        people.add::<Certificate>(issue.certificate_id);
        people.add::<Attendee>(issue.attendee_id);
        let first = IssuanceId::first_of(issue.certificate_id, issue.attendee_id);
        people.add::<Issuance>(first);
    }
    commands.load_together(&mut aggregates, people, at).await?;
    let mut offers = HashMap::new();
    for issue in wanted {
        if let Entry::Vacant(vacant) = offers.entry(issue.certificate_id)
            && let Some(definition) = aggregates
                .state::<Certificate>(names, issue.certificate_id)?
                .0
        {
            let own_template = match Template::id_of_theme(&definition.pdf_template.theme) {
                Some(id) => commands.load_at::<Template>(id, at).await?.state.0,
                None => None,
            };
            vacant.insert(Offer {
                definition,
                own_template,
            });
        }
    }
    Ok(Prepared {
        aggregates: Arc::new(aggregates),
        offers,
    })
}

/// Issues a certificate to a person. If the person already holds it, returns the existing issuance.
/// If the previous issuance was revoked or could not be drawn, a new one with current data is
/// created. If the certificate is inactive, a new issuance is refused, but an existing one is
/// returned. `prepared` contains the certificate.
///
/// # Errors
/// The person or the certificate does not exist, the certificate is not active, its template does
/// not exist, the person has too many issuances of it, or the log can't be used.
pub async fn issue(
    commands: &Commands,
    facts: &IssuingFacts,
    context: &CommandContext,
    prepared: &Prepared,
    wanted: Issue,
) -> Result<Issued, CommandError> {
    let Some(offer) = prepared.offers.get(&wanted.certificate_id) else {
        return Err(Refusal::NotFound("certificate").into());
    };
    let definition = &offer.definition;
    let wanted = &wanted;
    let committed = commands
        .transact_on(&prepared.aggregates, context, |transaction| async move {
            let (id, issuance, failed) = match current(&transaction, wanted).await? {
                Current::Own(id) => return Ok(Issued::New(id)),
                Current::Held(id) => return Ok(Issued::Existing(id)),
                Current::None {
                    next,
                    issuance,
                    failed,
                } => (next, issuance, failed),
            };
            if !definition.is_active {
                return Err(Refusal::Inactive.into());
            }
            let attendee = transaction.look::<Attendee>(wanted.attendee_id).await?;
            let Some(person) = attendee.state.0 else {
                return Err(Refusal::NotFound("attendee").into());
            };
            let own = offer.own_template.as_ref();
            let template = PinnedTemplate::active(&definition.pdf_template, own)?;
            let today = facts.time_zone.date_at(commands.now());
            let request = pin(facts, definition, template, &person, wanted, today);
            if let Some((failed, loaded)) = failed {
                transaction.decide_loaded::<Issuance>(failed, loaded, &IssuanceCommand::GiveWay)?;
            }
            transaction.decide_loaded::<Issuance>(
                id,
                issuance,
                &IssuanceCommand::Request(Box::new(request)),
            )?;
            Ok(Issued::New(id))
        })
        .await?;
    Ok(committed.value)
}

/// Template and version that an issuance uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedTemplate {
    /// Theme, version and options.
    pub template: TemplateRef,
    /// Files of a template written by an issuer.
    pub files: Option<TemplateFiles>,
}

impl PinnedTemplate {
    /// Selects the named version of a shipped theme, or the active version of the issuer's template
    /// `own`.
    ///
    /// # Errors
    /// An issuer's template is named, but `own` is `None` or lacks the version.
    pub fn active(named: &TemplateRef, own: Option<&OwnTemplate>) -> Result<Self, Refusal> {
        let version = own.map_or(named.version, |own| own.active);
        Self::at(
            TemplateRef {
                version,
                ..named.clone()
            },
            own,
        )
    }

    /// Selects the named version.
    ///
    /// # Errors
    /// An issuer's template is named, but `own` is `None` or lacks the version.
    pub fn at(named: TemplateRef, own: Option<&OwnTemplate>) -> Result<Self, Refusal> {
        if Template::id_of_theme(&named.theme).is_none() {
            return Ok(Self {
                template: named,
                files: None,
            });
        }
        let own = own.ok_or(Refusal::NotFound("template"))?;
        let files = own
            .version(named.version)
            .ok_or(Refusal::NotFound("version of this template"))?;
        Ok(Self {
            template: named,
            files: Some(files.clone()),
        })
    }
}

/// Text that replaces the public id in a sample. No certificate has this id.
const SAMPLE_ID: &str = "SAMPLE-NOT-VALID";

/// Returns the data of a sample: the certificate that this person would get now. A sample is not
/// issued and is marked as not valid.
#[must_use]
pub fn sample(
    definition: &Definition,
    template: PinnedTemplate,
    certificate_id: CertificateId,
    person: &Person,
    public_base_url: &str,
    today: Date,
) -> CertificateRequested {
    let facts = IssuingFacts {
        renderer_version: String::new(),
        fonts_sha256: String::new(),
        public_base_url: public_base_url.to_owned(),
        random: || 0,
        on_unknown: OnUnknown::Park,
        time_zone: TimeZone::default(),
    };
    let attendee_id = AttendeeId(Uuid::nil());
    let delivery = MailDelivery::Immediate;
    let wanted = Issue {
        certificate_id,
        attendee_id,
        origins: Vec::new(),
        delivery,
        issue_date: None,
    };
    let pinned = pin(&facts, definition, template, person, &wanted, today);
    CertificateRequested {
        public_id: SAMPLE_ID.to_owned(),
        ..pinned
    }
}

/// Current issuance of a certificate to a person.
#[expect(clippy::large_enum_variant, reason = "only one value exists at a time")]
enum Current {
    /// This command created the issuance.
    Own(IssuanceId),
    /// Another command created the issuance.
    Held(IssuanceId),
    /// The person holds no issuance.
    None {
        /// Id of the next issuance.
        next: IssuanceId,
        issuance: Loaded<Issuance>,
        /// Previous issuance, if it could not be drawn and must be closed.
        failed: Option<(IssuanceId, Loaded<Issuance>)>,
    },
}

/// Finds the current issuance. Skips issuances that were revoked or could not be drawn.
///
/// There is at most one current issuance: the commit that creates it expects that it has no events
/// yet, and closes the previous issuance if that could not be drawn. A revocation is final.
async fn current(transaction: &Transaction, wanted: &Issue) -> Result<Current, CommandError> {
    let mut failed = None;
    for n in 1..=MAX_ISSUANCES {
        let id = IssuanceId::nth_of(wanted.certificate_id, wanted.attendee_id, n);
        let issuance = transaction.look::<Issuance>(id).await?;
        if n == 1 {
            prepare_next(
                transaction,
                wanted.certificate_id,
                wanted.attendee_id,
                &issuance,
            )
            .await?;
        }
        // This command may also have closed the previous issuance, so only a request counts.
        if issuance
            .own
            .iter()
            .any(|(_, event)| matches!(event, IssuanceEvent::CertificateRequested(_)))
        {
            return Ok(Current::Own(id));
        }
        failed = match issuance.state.status() {
            IssuanceStatus::Absent => {
                return Ok(Current::None {
                    next: id,
                    issuance,
                    failed,
                });
            }
            IssuanceStatus::Requested | IssuanceStatus::Generated => return Ok(Current::Held(id)),
            IssuanceStatus::Failed => Some((id, issuance)),
            IssuanceStatus::Revoked => None,
        };
    }
    let message =
        format!("issued to this person {MAX_ISSUANCES} times, each time revoked or not drawn");
    Err(Refusal::WrongState(message).into())
}

/// Loads the later issuances of a person with one request, if the first one is no longer held.
pub(super) async fn prepare_next(
    transaction: &Transaction,
    certificate_id: CertificateId,
    attendee_id: AttendeeId,
    first: &Loaded<Issuance>,
) -> Result<(), CommandError> {
    if !matches!(
        first.state.status(),
        IssuanceStatus::Failed | IssuanceStatus::Revoked
    ) {
        return Ok(());
    }
    let mut next = Wanted::default();
    for n in 2..=MAX_ISSUANCES {
        next.add::<Issuance>(IssuanceId::nth_of(certificate_id, attendee_id, n));
    }
    transaction.prepare(next).await
}

fn pin(
    facts: &IssuingFacts,
    definition: &Definition,
    template: PinnedTemplate,
    person: &Person,
    wanted: &Issue,
    today: Date,
) -> CertificateRequested {
    CertificateRequested {
        certificate_id: wanted.certificate_id,
        attendee_id: wanted.attendee_id,
        origins: wanted.origins.clone(),
        public_id: format!("{:032x}", (facts.random)()),
        email: person.email.clone(),
        event_link: definition.event_link.clone(),
        delivery: wanted.delivery,
        page: Page {
            pdf_template: template.template,
            own_template: template.files,
            renderer_version: facts.renderer_version.clone(),
            fonts_sha256: facts.fonts_sha256.clone(),
            design: definition.design.clone(),
            locale: definition.locale,
            issue_date: wanted.issue_date.or(definition.issue_date).unwrap_or(today),
            public_base_url: facts.public_base_url.clone(),
            client: definition.client.clone(),
            certificate_name: definition.name.clone(),
            event_name: definition.event_name.clone(),
            full_name: person.full_name.clone(),
            document_number: person.document_number.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::certification::template::samples::files;

    #[test]
    fn own_template_is_pinned_in_its_active_version() {
        let own = OwnTemplate {
            name: "Diploma".to_owned(),
            versions: vec![files("a"), files("b")],
            active: 2,
            is_retired: false,
        };
        let named = TemplateRef::new("own:6f2d41c8-95b7-4a0e-9d53-27e10c8bf4a6", 1);
        let active = PinnedTemplate::active(&named, Some(&own)).unwrap();
        assert_eq!(
            (active.template.version, active.files),
            (2, Some(files("b")))
        );
        let first = PinnedTemplate::at(named.clone(), Some(&own)).unwrap();
        assert_eq!((first.template.version, first.files), (1, Some(files("a"))));
        assert!(PinnedTemplate::active(&named, None).is_err());
        assert!(
            PinnedTemplate::at(
                TemplateRef {
                    version: 3,
                    ..named
                },
                Some(&own)
            )
            .is_err()
        );
    }

    #[test]
    fn shipped_theme_is_pinned_in_the_given_version() {
        let named = TemplateRef::new("classic", 1);
        let pinned = PinnedTemplate::active(&named, None).unwrap();
        assert_eq!(
            pinned,
            PinnedTemplate {
                template: named,
                files: None
            }
        );
    }
}
