//! Descriptions of events: one sentence per event type, and the important fields.

mod sending;
mod users;

use sending::{RELEASED, RETRIED, rescheduled};

use super::shown;
use crate::cli::moment;
use crate::domain::certification::attendee::AttendeeEvent;
use crate::domain::certification::batch::BatchEvent;
use crate::domain::certification::certificate::{CertificateEvent, Definition, TemplateRef};
use crate::domain::certification::design::DesignEvent;
use crate::domain::certification::import::{FileFormat, ImportEvent};
use crate::domain::certification::issuance::{CertificateRequested, IssuanceEvent, WhyRevoked};
use crate::domain::certification::mail::{MailDelivery, MailEvent};
use crate::domain::certification::origin::{Origin, OriginKind};
use crate::domain::certification::template::TemplateEvent;
use crate::domain::kernel::claim::{ClaimEvent, ClaimKind};
use crate::domain::kernel::personal::HIDDEN;
use crate::domain::{Event, Person, Personal};
use crate::event_log::RecordedEvent;

/// Description of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Sentence on one line.
    pub what: String,
    /// Further important fields, by name.
    pub fields: Vec<(&'static str, String)>,
}

/// Describes an event. Personal data is hidden unless `reveal` is true.
pub fn of(event: &RecordedEvent, reveal: bool) -> Summary {
    let formatter = EventFormatter { reveal };
    match event.decode() {
        Ok(Event::Admins(event)) => users::admins(&event),
        Ok(Event::ApiKey(event)) => users::api_key(&event),
        Ok(Event::Attendee(event)) => formatter.attendee(&event),
        Ok(Event::Batch(event)) => formatter.batch(&event),
        Ok(Event::Certificate(event)) => certificate(&event),
        Ok(Event::Claim(event)) => claim(&event),
        Ok(Event::Design(event)) => design(&event),
        Ok(Event::Mail(event)) => formatter.email(&event),
        Ok(Event::Import(event)) => import(&event),
        Ok(Event::Issuance(event)) => formatter.issuance(&event),
        Ok(Event::SecondFactor(event)) => users::second_factor(&event),
        Ok(Event::Notice(event)) => users::notice(&formatter, &event),
        Ok(Event::Session(event)) => users::session(&event),
        Ok(Event::Template(event)) => template(&event),
        Ok(Event::User(event)) => users::user(&formatter, &event),
        Err(error) => summary(format!("this program can't read the event: {error}"))
            .with("data", one_line(&shown::data(event, reveal).to_string())),
    }
}

fn summary(what: impl Into<String>) -> Summary {
    Summary {
        what: what.into(),
        fields: Vec::new(),
    }
}

impl Summary {
    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.fields.push((name, value.to_string()));
        self
    }

    fn with_some(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// Replaces control characters. Texts from people and servers must not control a terminal.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

struct EventFormatter {
    reveal: bool,
}

impl EventFormatter {
    fn personal(&self, value: &Personal<String>) -> String {
        if self.reveal {
            one_line(value.reveal_str())
        } else {
            HIDDEN.to_owned()
        }
    }

    fn attendee(&self, event: &AttendeeEvent) -> Summary {
        let (verb, person, source) = match event {
            AttendeeEvent::AttendeeImported(event) => ("was created", &event.person, &event.source),
            AttendeeEvent::AttendeeUpdated(event) => ("was changed", &event.person, &event.source),
            AttendeeEvent::AttendeeDeleted(_) => return summary("the person was deleted"),
        };
        let origins: Vec<_> = source.iter().map(|source| source.origin.clone()).collect();
        let from = match source
            .as_ref()
            .map(|source| (&source.origin.kind, source.row))
        {
            Some((OriginKind::Import, Some(row))) => format!("by row {row} of an import file"),
            Some(_) => "automatically".to_owned(),
            None => "manually".to_owned(),
        };
        let summary = summary(format!(
            "{} {verb} {from}",
            self.personal(&person.full_name)
        ));
        self.person(summary, person)
            .with_some("import", Origin::import_of(&origins))
    }

    fn person(&self, summary: Summary, person: &Person) -> Summary {
        let some =
            |value: &Option<Personal<String>>| value.as_ref().map(|value| self.personal(value));
        summary
            .with("e-mail", self.personal(&person.email))
            .with_some("document", some(&person.document_number))
            .with_some("document type", some(&person.document_type))
            .with_some("country", some(&person.country))
            .with_some("gender", some(&person.gender))
    }

    fn email(&self, event: &MailEvent) -> Summary {
        match event {
            MailEvent::EmailQueued(mail) => summary(format!(
                "a mail about “{}” to {} was queued",
                one_line(&mail.certificate_name),
                self.personal(&mail.to_name)
            ))
            .with("to", self.personal(&mail.to_address))
            .with("language", mail.locale.as_str())
            .with("issuance", mail.issuance_id)
            .with_some("delivery", waits(mail.delivery)),
            MailEvent::SendClaimed(claim) => self.claimed(claim),
            MailEvent::EmailSent(sent) => self.sent(sent),
            MailEvent::EmailFailed(failed) => self.failed(failed),
            MailEvent::EmailOutcomeUnknown(unknown) => self.unknown(unknown),
            MailEvent::EmailRetryRequested(_) => summary(RETRIED),
            MailEvent::EmailReleased(_) => summary(RELEASED),
            MailEvent::EmailRescheduled(other) => rescheduled(other),
            MailEvent::EmailCancelled(cancelled) => self.cancelled(cancelled),
        }
    }

    fn issuance(&self, event: &IssuanceEvent) -> Summary {
        match event {
            IssuanceEvent::CertificateRequested(request) => self.requested(request),
            IssuanceEvent::CertificateGenerated(pdf) => {
                summary(format!("the PDF was rendered, {} bytes", pdf.size))
                    .with("SHA-256", one_line(&pdf.sha256))
                    .with("object", one_line(&pdf.object_key))
            }
            IssuanceEvent::CertificateGenerationFailed(failure) => summary(format!(
                "the PDF could not be rendered: {}",
                one_line(&failure.code)
            ))
            .with("reason", self.personal(&failure.reason)),
            IssuanceEvent::CertificateRevoked(revoked) => summary(format!(
                "the certificate was revoked: {}",
                reason(revoked.reason)
            ))
            .with_some(
                "note",
                revoked.note.as_ref().map(|note| self.personal(note)),
            )
            .with_some("batch", revoked.batch_id),
        }
    }

    fn requested(&self, request: &CertificateRequested) -> Summary {
        let page = &request.page;
        summary(format!(
            "“{}” of {} was requested for {}",
            one_line(&page.certificate_name),
            one_line(&page.event_name),
            self.personal(&page.full_name)
        ))
        .with("certificate", request.certificate_id)
        .with("attendee", request.attendee_id)
        .with_some("batch", Origin::batch_of(&request.origins))
        .with_some("import", Origin::import_of(&request.origins))
        .with("public id", one_line(&request.public_id))
        .with("date", page.issue_date)
        .with("theme", theme(&page.pdf_template))
    }

    fn batch(&self, event: &BatchEvent) -> Summary {
        match event {
            BatchEvent::BatchRequested(request) => summary(format!(
                "certificates for {} people were requested",
                request.attendee_ids.len()
            ))
            .with("certificate", request.certificate_id)
            .with_some("date", request.issue_date)
            .with_some("import", request.import_id),
            BatchEvent::BatchDispatched(outcome) => summary(format!(
                "all people were processed: {} new, {} existing, {} refused{}",
                outcome.requested,
                outcome.existing,
                outcome.refused.len(),
                if outcome.left > 0 {
                    format!(", {} left out", outcome.left)
                } else {
                    String::new()
                }
            ))
            .with_some(
                "first refusal",
                outcome
                    .refused
                    .first()
                    .map(|r| format!("{} {}", r.attendee_id, one_line(&r.code))),
            ),
            BatchEvent::BatchCancelRequested(_) => {
                summary("cancellation of the batch was requested")
            }
            BatchEvent::BatchCancelled(end) => summary(format!(
                "the batch was cancelled: {} certificates without a PDF revoked, {} kept",
                end.revoked, end.kept
            )),
            BatchEvent::BatchUndoRequested(undo) => summary(format!(
                "revocation of all certificates of the batch was requested: {}",
                reason(undo.reason)
            ))
            .with_some("note", undo.note.as_ref().map(|note| self.personal(note))),
            BatchEvent::BatchUndone(end) => summary(format!(
                "the batch was undone: {} certificates revoked",
                end.revoked
            )),
        }
    }
}

/// Returns the condition for sending a mail, if there is one.
fn waits(delivery: MailDelivery) -> Option<String> {
    match delivery {
        MailDelivery::Immediate => None,
        MailDelivery::Held => Some("when released".to_owned()),
        MailDelivery::At(at) => Some(format!("at {}", moment::shown(at))),
    }
}

const fn reason(reason: WhyRevoked) -> &'static str {
    match reason {
        WhyRevoked::IssuedInError => "it was issued in error",
        WhyRevoked::WrongData => "it shows wrong data",
        WhyRevoked::WrongPerson => "it was issued to the wrong person",
        WhyRevoked::Misconduct => "it was not earned honestly",
        WhyRevoked::Withdrawn => "the issuer withdrew it",
        WhyRevoked::BatchCancelled => "its batch was cancelled before it was rendered",
        WhyRevoked::GenerationFailed => "it could not be rendered, and another one replaces it",
        WhyRevoked::Other => "see the note",
    }
}

fn certificate(event: &CertificateEvent) -> Summary {
    match event {
        CertificateEvent::CertificateDefined(event) => definition("was defined", &event.definition),
        CertificateEvent::CertificateRedefined(event) => {
            definition("was redefined", &event.definition)
        }
        CertificateEvent::CertificateDeleted(_) => summary("the certificate was deleted"),
        CertificateEvent::CertificateActivated(_) => summary("the certificate was activated"),
        CertificateEvent::CertificateDeactivated(_) => summary("the certificate was deactivated"),
    }
}

fn design(event: &DesignEvent) -> Summary {
    match event {
        DesignEvent::DesignUploaded(event) => {
            let image = &event.image;
            summary(format!(
                "“{}” of {} was uploaded",
                one_line(&image.name),
                one_line(&image.client)
            ))
            .with("key", one_line(&image.key))
            .with("pixels", format!("{} × {}", image.width, image.height))
        }
        DesignEvent::DesignTakenIntoUse(_) => summary("a certificate uses the design"),
        DesignEvent::DesignDeleted(_) => summary("the design was deleted"),
    }
}

fn template(event: &TemplateEvent) -> Summary {
    match event {
        TemplateEvent::TemplateCreated(event) => summary(format!(
            "the template “{}” was created",
            one_line(&event.name)
        ))
        .with("key", one_line(&event.files.source_key)),
        TemplateEvent::TemplateVersionAdded(event) => {
            summary(format!("version {} was added", event.version))
                .with("key", one_line(&event.files.source_key))
        }
        TemplateEvent::TemplateActivated(event) => summary(format!(
            "version {} is used for new certificates",
            event.version
        )),
        TemplateEvent::TemplateRetired(_) => summary("the template was retired"),
    }
}

fn definition(what: &str, definition: &Definition) -> Summary {
    let active = if definition.is_active {
        "active"
    } else {
        "not active"
    };
    summary(format!(
        "“{}” of {} by {} {what}, {active}",
        one_line(&definition.name),
        one_line(&definition.event_name),
        one_line(&definition.client)
    ))
    .with("theme", theme(&definition.pdf_template))
    .with("language", definition.locale.as_str())
    .with_some("date", definition.issue_date)
    .with_some(
        "design",
        definition
            .design
            .as_ref()
            .map(|design| one_line(&design.key)),
    )
}

/// Returns theme, version and the names of the options that are set. The values of options may name
/// people.
fn theme(template: &TemplateRef) -> String {
    let options: Vec<String> = template.options.keys().map(|name| one_line(name)).collect();
    let with = if options.is_empty() {
        String::new()
    } else {
        format!(" with {}", options.join(", "))
    };
    format!("{}/{}{with}", one_line(&template.theme), template.version)
}

fn claim(event: &ClaimEvent) -> Summary {
    let (what, kind, owner) = match event {
        ClaimEvent::ClaimTaken(claim) => ("was claimed", claim.kind, claim.owner),
        ClaimEvent::ClaimReleased(claim) => ("was released", claim.kind, claim.owner),
    };
    let (value, held_by) = match kind {
        ClaimKind::AttendeeEmail => ("an attendee's e-mail address", "attendee"),
        ClaimKind::AttendeeDocument => ("an attendee's document number", "attendee"),
        ClaimKind::AttendeeNameAtEmail => ("an attendee's name at an e-mail address", "attendee"),
        ClaimKind::UserEmail => ("a user's e-mail address", "user"),
        ClaimKind::UserName => ("a user's name", "user"),
    };
    summary(format!("{value} {what}")).with(held_by, owner)
}

fn import(event: &ImportEvent) -> Summary {
    match event {
        ImportEvent::ImportRequested(file) => {
            let format = match file.format {
                FileFormat::Csv => "CSV",
                FileFormat::Xlsx => "XLSX",
                FileFormat::Xls => "XLS",
                FileFormat::Json => "JSON",
            };
            summary(format!("a file of {} bytes ({format}) was uploaded", file.size))
                .with("SHA-256", one_line(&file.sha256))
                .with("updates existing people", if file.update_existing { "yes" } else { "no" })
                .with("requires documents", if file.requires_document { "yes" } else { "no" })
                .with_some("certificate", file.certificate_id)
                .with_some("date", file.issue_date)
        }
        ImportEvent::ImportRowsAccepted(rows) => summary(format!(
            "rows up to {} were imported: {} created, {} changed, {} existing, {} earned a certificate",
            rows.through_row,
            rows.created,
            rows.updated,
            rows.existing,
            rows.earned.len()
        )),
        ImportEvent::ImportRowsRejected(rejected) => {
            let rows = &rejected.rows;
            let first = rows.first().map(|row| {
                let errors = row.errors.iter().map(|e| format!("{} {}", e.field.as_deref().unwrap_or("row"), e.code));
                one_line(&format!("row {}: {}", row.row, errors.collect::<Vec<_>>().join(", ")))
            });
            summary(format!("{} rows were rejected", rows.len())).with_some("first", first)
        }
        ImportEvent::ImportCompleted(end) => summary(format!(
            "the import was completed: {} rows, {} created, {} changed, {} existing, {} rejected, {} earned a \
             certificate",
            end.total, end.created, end.updated, end.existing, end.errors, end.associated
        ))
        .with_some("report", end.report_key.as_deref().map(one_line)),
        ImportEvent::ImportFailed(failure) => {
            summary(format!("the import failed: {}", one_line(&failure.code)))
                .with("reason", one_line(&failure.reason))
        }
        ImportEvent::ImportCancelRequested(_) => summary("cancellation of the import was requested"),
        ImportEvent::ImportRetryRequested(_) => summary("another attempt of the failed import was requested"),
        ImportEvent::ImportCancelled(end) => summary(format!(
            "the import was cancelled after {} rows: {} created, {} changed, {} existing, {} rejected, {} earned a \
             certificate, {} left out",
            end.total, end.created, end.updated, end.existing, end.errors, end.associated, end.left
        ))
        .with_some("report", end.report_key.as_deref().map(one_line)),
    }
}
