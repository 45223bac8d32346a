//! History that contains every event at least once.

use laureate::domain::certification::attendee::{
    Attendee, AttendeeDeleted, AttendeeImported, AttendeeUpdated, Source,
};
use laureate::domain::certification::batch::{
    Batch, BatchCancelRequested, BatchCancelled, BatchDispatched, BatchRequested,
    BatchUndoRequested, BatchUndone, RefusedAttendee,
};
use laureate::domain::certification::certificate::{
    Certificate, CertificateActivated, CertificateDeactivated, CertificateDefined,
    CertificateDeleted, CertificateRedefined, Definition, DesignRef, TemplateRef,
};
use laureate::domain::certification::design::{
    Design, DesignDeleted, DesignImage, DesignTakenIntoUse, DesignUploaded,
};
use laureate::domain::certification::import::{
    Earned, FileFormat, Import, ImportCancelRequested, ImportCancelled, ImportCompleted,
    ImportFailed, ImportRequested, ImportRetryRequested, ImportRowsAccepted, ImportRowsRejected,
    RejectedField, RejectedRow,
};
use laureate::domain::certification::issuance::{
    CertificateGenerated, CertificateGenerationFailed, CertificateRequested, CertificateRevoked,
    Issuance, Page, WhyRevoked,
};
use laureate::domain::certification::mail::{
    EmailFailed, EmailOutcomeUnknown, EmailQueued, EmailRetryRequested, EmailSent, Mail,
    MailDelivery, OnUnknown, SendClaimed,
};
use laureate::domain::certification::origin::Origin;
use laureate::domain::certification::template::{
    Template, TemplateActivated, TemplateCreated, TemplateFiles, TemplateRetired,
    TemplateVersionAdded,
};
use laureate::domain::certification::{manifest::OptionValue, reading::Reading};
use laureate::domain::kernel::claim::{Claim, ClaimKind, ClaimTaken};
use laureate::domain::{Locale, Person, SharedEmail};
use serde_json::json;
use time::macros::date;
use uuid::Uuid;

use super::given_log::{Happened, happened};
pub use super::users::{password_changed, registered};

pub const CERTIFICATE: u128 = 0xC1;
pub const IMPORT: u128 = 0xF1;
pub const BATCH: u128 = 0xB1;
pub const USER: u128 = 0xE1;

pub fn person(name: &str) -> Person {
    Person {
        full_name: name.to_owned().into(),
        country: Some("Perú".to_owned().into()),
        document_type: Some("DNI".to_owned().into()),
        document_number: Some(format!("DOC-{name}").into()),
        gender: None,
        email: format!("{}@example.com", name.to_lowercase()).into(),
    }
}

pub fn imported(id: u128, name: &str, row: Option<u32>) -> Happened {
    let source = row.map(|row| Source {
        origin: Origin::import(Uuid::from_u128(IMPORT).into()),
        row: Some(row),
    });
    happened::<Attendee>(
        id,
        AttendeeImported {
            person: person(name),
            source,
        },
    )
}

pub fn updated(id: u128, name: &str) -> Happened {
    happened::<Attendee>(
        id,
        AttendeeUpdated {
            person: person(name),
            source: None,
        },
    )
}

pub fn attendee_deleted(id: u128) -> Happened {
    happened::<Attendee>(id, AttendeeDeleted {})
}

pub fn defined(id: u128) -> Happened {
    happened::<Certificate>(
        id,
        CertificateDefined {
            definition: definition("Speaker"),
        },
    )
}

pub fn redefined(id: u128, name: &str) -> Happened {
    happened::<Certificate>(
        id,
        CertificateRedefined {
            definition: definition(name),
        },
    )
}

pub fn certificate_deleted(id: u128) -> Happened {
    happened::<Certificate>(id, CertificateDeleted {})
}

fn definition(name: &str) -> Definition {
    let logo = DesignRef {
        key: "designs/logo.png".to_owned(),
        sha256: "e".repeat(64),
    };
    let options = [
        ("accent".to_owned(), "#7a1f3d".into()),
        ("logo".to_owned(), OptionValue::Image(logo)),
    ]
    .into();
    Definition {
        client: "Acme".to_owned(),
        name: name.to_owned(),
        event_name: "Summit 2026".to_owned(),
        pdf_template: TemplateRef {
            options,
            ..TemplateRef::new("corporate", 1)
        },
        design: Some(DesignRef {
            key: "designs/a.jpg".to_owned(),
            sha256: "d".repeat(64),
        }),
        event_link: Some("https://example.com/summit".to_owned()),
        sendgrid_template_id: None,
        issue_date: Some(date!(2026 - 11 - 20)),
        requires_document: true,
        locale: Locale::Es,
        is_active: true,
    }
}

pub fn design_uploaded(id: u128) -> Happened {
    let image = DesignImage {
        key: format!("certificates/design_images/acme_2026/frame_{id}.jpg"),
        thumbnail_key: format!("certificates/design_images/acme_2026/frame_{id}_small.jpg"),
        sha256: "d".repeat(64),
        size: 4_096,
        mime_type: "image/jpeg".to_owned(),
        width: 3_508,
        height: 2_480,
        client: "Acme".to_owned(),
        name: "Frame".to_owned(),
        description: None,
        original_name: "frame.png".to_owned(),
    };
    happened::<Design>(id, DesignUploaded { image })
}

pub fn design_taken_into_use(id: u128) -> Happened {
    happened::<Design>(id, DesignTakenIntoUse {})
}

pub fn design_deleted(id: u128) -> Happened {
    happened::<Design>(id, DesignDeleted {})
}

pub fn activated(id: u128) -> Happened {
    happened::<Certificate>(id, CertificateActivated {})
}

pub fn deactivated(id: u128) -> Happened {
    happened::<Certificate>(id, CertificateDeactivated {})
}

pub fn requested(id: u128, attendee: u128) -> Happened {
    let event = CertificateRequested {
        certificate_id: Uuid::from_u128(CERTIFICATE).into(),
        attendee_id: Uuid::from_u128(attendee).into(),
        origins: vec![Origin::batch(Uuid::from_u128(BATCH).into())],
        public_id: format!("{id:032x}"),
        page: Page {
            pdf_template: TemplateRef::new("classic", 1),
            own_template: None,
            renderer_version: "1".to_owned(),
            fonts_sha256: "f".repeat(64),
            design: None,
            locale: Locale::En,
            issue_date: date!(2026 - 11 - 21),
            public_base_url: "https://certificates.example.com".to_owned(),
            client: "Acme".to_owned(),
            certificate_name: "Speaker".to_owned(),
            event_name: "Summit 2026".to_owned(),
            full_name: "Ada Lovelace".to_owned().into(),
            document_number: None,
        },
        email: "ada@example.com".to_owned().into(),
        event_link: None,
        delivery: MailDelivery::Immediate,
    };
    happened::<Issuance>(id, event)
}

pub fn generated(id: u128) -> Happened {
    let object_key = format!("certificates/{id}.pdf");
    let sha256 = "a".repeat(64);
    happened::<Issuance>(
        id,
        CertificateGenerated {
            certificate_id: Uuid::from_u128(CERTIFICATE).into(),
            public_id: format!("{id:032x}"),
            object_key,
            sha256,
            size: 165_000,
        },
    )
}

pub fn generation_failed(id: u128) -> Happened {
    let reason = "no font has a letter of the name".to_owned().into();
    happened::<Issuance>(
        id,
        CertificateGenerationFailed {
            code: "MISSING_GLYPH".to_owned(),
            reason,
        },
    )
}

pub fn queued(id: u128, issuance: u128) -> Happened {
    queued_for(id, issuance, MailDelivery::Immediate)
}

/// Returns the event of a mail that replaces an earlier one about the same issuance.
pub fn queued_again(id: u128, issuance: u128, previous: u128, delivery: MailDelivery) -> Happened {
    let event = EmailQueued {
        previous: Some(Uuid::from_u128(previous).into()),
        ..mail_about(issuance, delivery)
    };
    happened::<Mail>(id, event)
}

pub fn queued_for(id: u128, issuance: u128, delivery: MailDelivery) -> Happened {
    happened::<Mail>(id, mail_about(issuance, delivery))
}

fn mail_about(issuance: u128, delivery: MailDelivery) -> EmailQueued {
    EmailQueued {
        issuance_id: Uuid::from_u128(issuance).into(),
        certificate_id: Uuid::from_u128(CERTIFICATE).into(),
        batch_id: Some(Uuid::from_u128(BATCH).into()),
        previous: None,
        attendee_id: Uuid::from_u128(issuance).into(),
        to_name: "Ada Lovelace".to_owned().into(),
        to_address: "ada@example.com".to_owned().into(),
        locale: Locale::En,
        client: "Acme".to_owned(),
        certificate_name: "Speaker".to_owned(),
        event_name: "Summit 2026".to_owned(),
        event_link: None,
        download_link: "https://certificates.example.com/certificate/0/download".to_owned(),
        object_key: format!("certificates/{issuance}.pdf"),
        sha256: "a".repeat(64),
        on_unknown: OnUnknown::Park,
        delivery,
    }
}

pub fn claimed(id: u128, attempt: u32) -> Happened {
    happened::<Mail>(
        id,
        SendClaimed {
            attempt,
            message_id: format!("<{id}@example.com>"),
        },
    )
}

pub fn sent(id: u128, attempt: u32) -> Happened {
    happened::<Mail>(
        id,
        EmailSent {
            attempt,
            answer: "250 2.0.0 queued".to_owned().into(),
        },
    )
}

pub fn failed(id: u128, attempt: u32, will_retry: bool) -> Happened {
    let answer = "451 4.7.1 try\0 later".to_owned().into();
    happened::<Mail>(
        id,
        EmailFailed {
            attempt,
            permanent: !will_retry,
            retry_at: will_retry
                .then_some(time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000)),
            unanswered: false,
            answer,
        },
    )
}

/// An attempt without an answer, after which another one follows.
pub fn unanswered(id: u128, attempt: u32) -> Happened {
    happened::<Mail>(
        id,
        EmailFailed {
            attempt,
            permanent: false,
            retry_at: Some(time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000)),
            unanswered: true,
            answer: "connection closed".to_owned().into(),
        },
    )
}

pub fn unknown(id: u128, attempt: u32) -> Happened {
    happened::<Mail>(
        id,
        EmailOutcomeUnknown {
            attempt,
            retry_at: None,
            detail: "the worker stopped".to_owned().into(),
        },
    )
}

pub fn retry(id: u128) -> Happened {
    happened::<Mail>(id, EmailRetryRequested {})
}

pub fn import_requested(id: u128) -> Happened {
    let event = ImportRequested {
        object_key: "expiring/imports/1".to_owned(),
        format: FileFormat::Csv,
        sha256: "b".repeat(64),
        size: 1_234,
        update_existing: true,
        certificate_id: Some(Uuid::from_u128(CERTIFICATE).into()),
        delivery: MailDelivery::Immediate,
        reading: Reading::default(),
        issue_date: None,
        requires_document: true,
        shared_email: SharedEmail::Refuse,
    };
    happened::<Import>(id, event)
}

pub fn rows_accepted(id: u128, through_row: u32) -> Happened {
    let attendee_id = Uuid::from_u128(0xA1).into();
    let certificate_id = Uuid::from_u128(CERTIFICATE).into();
    let earned = vec![Earned {
        attendee_id,
        certificate_id,
    }];
    // An importer reports a known person only once. This event contains the person twice, and the
    // table still has one row.
    let known = vec![Uuid::from_u128(0xA3).into()];
    let accepted = ImportRowsAccepted {
        through_row,
        created: 2,
        updated: 1,
        existing: 1,
        earned,
        known,
    };
    happened::<Import>(id, accepted)
}

pub fn rows_rejected(id: u128, rows: &[u32]) -> Happened {
    let errors = vec![RejectedField {
        field: Some("email".to_owned()),
        code: "REQUIRED".to_owned(),
    }];
    let rows = rows
        .iter()
        .map(|row| RejectedRow {
            row: *row,
            errors: errors.clone(),
        })
        .collect();
    happened::<Import>(id, ImportRowsRejected { rows })
}

pub fn import_completed(id: u128) -> Happened {
    let end = serde_json::from_value::<ImportCompleted>(json!({
        "total": 8, "created": 2, "updated": 1, "existing": 1, "repeated": 1, "errors": 3, "associated": 1,
        "warnings": 1, "reportKey": "expiring/reports/1.csv",
    }))
    .expect("an end");
    happened::<Import>(id, end)
}

pub fn import_failed(id: u128) -> Happened {
    let reason = "the archive is torn; save it again".to_owned();
    happened::<Import>(
        id,
        ImportFailed {
            code: "BROKEN_FILE".to_owned(),
            reason,
        },
    )
}

pub fn import_retry_requested(id: u128) -> Happened {
    happened::<Import>(id, ImportRetryRequested {})
}

pub fn batch_requested(id: u128, attendees: &[u128]) -> Happened {
    let attendee_ids = attendees
        .iter()
        .map(|id| Uuid::from_u128(*id).into())
        .collect();
    let certificate_id = Uuid::from_u128(CERTIFICATE).into();
    let delivery = MailDelivery::Immediate;
    let import_id = Some(Uuid::from_u128(IMPORT).into());
    happened::<Batch>(
        id,
        BatchRequested {
            certificate_id,
            attendee_ids,
            delivery,
            issue_date: None,
            import_id,
        },
    )
}

pub fn batch_dispatched(id: u128, requested: u32) -> Happened {
    let attendee_id = Uuid::from_u128(0xA9).into();
    let refused = vec![RefusedAttendee {
        attendee_id,
        code: "NOT_FOUND".to_owned(),
    }];
    happened::<Batch>(
        id,
        BatchDispatched {
            requested,
            existing: 0,
            refused,
            left: 0,
        },
    )
}

pub fn batch_cancel_requested(id: u128) -> Happened {
    happened::<Batch>(id, BatchCancelRequested {})
}

pub fn batch_cancelled(id: u128) -> Happened {
    happened::<Batch>(
        id,
        BatchCancelled {
            revoked: 1,
            kept: 2,
        },
    )
}

pub fn batch_undo_requested(id: u128) -> Happened {
    let note = Some("the wrong list".to_owned().into());
    happened::<Batch>(
        id,
        BatchUndoRequested {
            reason: WhyRevoked::IssuedInError,
            note,
        },
    )
}

pub fn batch_undone(id: u128) -> Happened {
    happened::<Batch>(id, BatchUndone { revoked: 3 })
}

pub fn revoked(id: u128) -> Happened {
    let note = Some("Ada is misspelt".to_owned().into());
    let batch_id = Some(Uuid::from_u128(BATCH).into());
    happened::<Issuance>(
        id,
        CertificateRevoked {
            reason: WhyRevoked::WrongData,
            note,
            batch_id,
        },
    )
}

pub fn import_cancel_requested(id: u128) -> Happened {
    happened::<Import>(id, ImportCancelRequested {})
}

pub fn import_cancelled(id: u128) -> Happened {
    let end = serde_json::from_value::<ImportCancelled>(json!({
        "total": 8, "created": 2, "updated": 1, "existing": 1, "repeated": 1, "errors": 3, "associated": 1,
        "warnings": 1, "left": 9, "reportKey": "expiring/reports/2.csv",
    }))
    .expect("an end");
    happened::<Import>(id, end)
}

pub fn claim_taken(id: u128) -> Happened {
    happened::<Claim>(
        id,
        ClaimTaken {
            kind: ClaimKind::AttendeeEmail,
            owner: Uuid::from_u128(0xA1),
        },
    )
}

/// Returns a history that contains every event at least once, and in which mails reach every final
/// state.
pub fn everything() -> Vec<Happened> {
    let mut all = super::imported::everything();
    all.extend([
        batch_requested(BATCH, &[0xA1, 0xA2, 0xA3, 0xA9]),
        requested(0x11, 0xA1),
        requested(0x12, 0xA2),
        requested(0x13, 0xA3),
        batch_dispatched(BATCH, 3),
        batch_requested(BATCH + 1, &[0xA1]),
        generation_failed(0x11),
        generated(0x11),
        generated(0x12),
        generation_failed(0x13),
        queued(0x21, 0x11),
        queued(0x22, 0x12),
        queued_again(0x23, 0x12, 0x22, MailDelivery::Immediate),
        queued_again(0x24, 0x12, 0x23, MailDelivery::Immediate),
        claimed(0x21, 1),
        failed(0x21, 1, true),
        claimed(0x21, 2),
        sent(0x21, 2),
        claimed(0x22, 1),
        failed(0x22, 1, false),
        claimed(0x23, 1),
        unknown(0x23, 1),
        queued_again(0x25, 0x11, 0x21, MailDelivery::Immediate),
        claimed(0x25, 1),
        failed(0x25, 1, false),
        retry(0x25),
    ]);
    all.extend(super::waiting::mails_that_wait());
    all.push(password_changed(USER));
    all.extend(designs());
    all.extend(taken_back());
    all.extend(super::users::everything());
    all.extend(templates());
    all
}

fn designs() -> [Happened; 4] {
    [
        design_uploaded(0xD1),
        design_uploaded(0xD2),
        design_taken_into_use(0xD1),
        design_deleted(0xD2),
    ]
}

/// Returns the events of a template with two versions, and of a template that was retired.
fn templates() -> [Happened; 5] {
    let files = |n: u128| TemplateFiles {
        source_key: format!("templates/a/{n}.typ"),
        source_sha256: n.to_string().repeat(64),
        source_size: 900,
        manifest_key: format!("templates/a/{n}.json"),
        manifest_sha256: "m".repeat(64),
    };
    let created = |id, n| {
        happened::<Template>(
            id,
            TemplateCreated {
                name: format!("Diploma {n}"),
                files: files(n),
            },
        )
    };
    [
        created(0xF1, 1),
        created(0xF2, 2),
        happened::<Template>(
            0xF1,
            TemplateVersionAdded {
                version: 2,
                files: files(3),
            },
        ),
        happened::<Template>(0xF1, TemplateActivated { version: 2 }),
        happened::<Template>(0xF2, TemplateRetired {}),
    ]
}

/// Returns the events of an import that is cancelled, and of batches that are cancelled and undone.
fn taken_back() -> Vec<Happened> {
    vec![
        import_requested(IMPORT + 2),
        rows_accepted(IMPORT + 2, 4),
        import_cancel_requested(IMPORT + 2),
        rows_accepted(IMPORT + 2, 5),
        import_cancelled(IMPORT + 2),
        batch_cancel_requested(BATCH),
        batch_cancelled(BATCH),
        batch_undo_requested(BATCH),
        revoked(0x12),
        revoked(0x13),
        batch_undone(BATCH),
        batch_cancel_requested(BATCH + 1),
        batch_dispatched(BATCH + 1, 0),
        import_retry_requested(IMPORT + 1),
    ]
}
