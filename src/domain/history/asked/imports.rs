//! Arbitrary commands and sample events of imports.

use super::{Asked, day, delivery, id};
use crate::domain::SharedEmail;
use crate::domain::certification::import::{
    Earned, FileFormat, Import, ImportCancelRequested, ImportCancelled, ImportCommand,
    ImportCompleted, ImportEvent, ImportFailed, ImportRequested, ImportRetryRequested,
    ImportRowsAccepted, ImportRowsRejected, RejectedField, RejectedRow,
};
use crate::domain::certification::mail::MailDelivery;
use crate::domain::certification::reading::Reading;

fn upload(text: &str, n: u32) -> ImportRequested {
    ImportRequested {
        object_key: text.to_owned(),
        format: [
            FileFormat::Csv,
            FileFormat::Xlsx,
            FileFormat::Xls,
            FileFormat::Json,
        ][(n % 4) as usize],
        sha256: "ab".repeat(32),
        size: u64::from(n),
        update_existing: n.is_multiple_of(3),
        certificate_id: n.is_multiple_of(2).then(|| id(n)),
        delivery: MailDelivery::Immediate,
        issue_date: None,
        requires_document: true,
        shared_email: SharedEmail::Refuse,
        reading: Reading {
            encoding: n.is_multiple_of(5).then(|| "macintosh".to_owned()),
            hidden_rows: n.is_multiple_of(7),
            ..Reading::default()
        },
    }
}

fn rows(n: u32) -> ImportRowsAccepted {
    let earned = vec![Earned {
        attendee_id: id(n),
        certificate_id: id(2),
    }];
    let known = earned.iter().map(|earned| earned.attendee_id).collect();
    ImportRowsAccepted {
        through_row: n,
        created: n,
        updated: n,
        existing: n,
        earned,
        known,
    }
}

fn rejected(text: &str, n: u32) -> Vec<RejectedRow> {
    let error = |field: Option<&str>| RejectedField {
        field: field.map(str::to_owned),
        code: text.to_owned(),
    };
    vec![RejectedRow {
        row: n,
        errors: vec![error(None), error(Some("email"))],
    }]
}

fn end(text: &str, n: u32) -> ImportCompleted {
    let report_key = n.is_multiple_of(2).then(|| text.to_owned());
    ImportCompleted {
        total: n,
        created: n,
        updated: n,
        existing: n,
        repeated: n,
        errors: n,
        associated: n,
        warnings: n,
        report_key,
    }
}

fn cancelled(text: &str, n: u32) -> ImportCancelled {
    let report_key = n.is_multiple_of(2).then(|| text.to_owned());
    ImportCancelled {
        total: n,
        created: n,
        updated: n,
        existing: n,
        repeated: n,
        errors: n,
        associated: n,
        warnings: n,
        left: n,
        report_key,
    }
}

fn broken(text: &str) -> ImportFailed {
    ImportFailed {
        code: text.to_owned(),
        reason: text.to_owned(),
    }
}

impl Asked for Import {
    fn command(which: u32, text: &str, n: u32) -> ImportCommand {
        match which % 8 {
            0 => ImportCommand::Request(upload(text, n)),
            1 => ImportCommand::RecordRows {
                accepted: rows(n),
                rejected: Vec::new(),
            },
            2 => ImportCommand::RecordRows {
                accepted: rows(n),
                rejected: rejected(text, n),
            },
            3 => ImportCommand::Complete(end(text, n)),
            4 => ImportCommand::Cancel,
            5 => ImportCommand::RecordCancelled(cancelled(text, n)),
            6 => ImportCommand::Retry,
            _ => ImportCommand::Fail(broken(text)),
        }
    }

    fn samples(text: &str, n: u32) -> Vec<ImportEvent> {
        let n = n % (u32::MAX - 1);
        vec![
            upload(text, n).into(),
            upload(text, n + 1).into(),
            rows(n).into(),
            ImportRowsRejected {
                rows: rejected(text, n),
            }
            .into(),
            end(text, n).into(),
            end(text, n + 1).into(),
            broken(text).into(),
            ImportRequested {
                delivery: delivery(n),
                issue_date: Some(day()),
                requires_document: false,
                shared_email: SharedEmail::Allow,
                ..upload(text, n)
            }
            .into(),
            ImportCancelRequested {}.into(),
            cancelled(text, n).into(),
            cancelled(text, n + 1).into(),
            ImportRetryRequested {}.into(),
        ]
    }
}
