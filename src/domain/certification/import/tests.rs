//! Tests of imports in the form given, when, then.

use super::*;
use crate::domain::kernel::decider::spec::given;

fn requested() -> ImportRequested {
    ImportRequested {
        object_key: "expiring/imports/1/source".to_owned(),
        format: FileFormat::Csv,
        sha256: "aa".to_owned(),
        size: 12,
        update_existing: false,
        certificate_id: None,
        delivery: MailDelivery::Immediate,
        issue_date: None,
        requires_document: true,
        shared_email: SharedEmail::Refuse,
        reading: crate::domain::certification::reading::Reading::default(),
    }
}

fn accepted(through_row: u32) -> ImportRowsAccepted {
    ImportRowsAccepted {
        through_row,
        created: 2,
        updated: 0,
        existing: 1,
        earned: vec![],
        known: vec![],
    }
}

fn rejected() -> Vec<RejectedRow> {
    vec![RejectedRow {
        row: 3,
        errors: vec![RejectedField {
            field: None,
            code: "DUPLICATE".to_owned(),
        }],
    }]
}

fn completed() -> ImportCompleted {
    ImportCompleted {
        total: 4,
        created: 2,
        updated: 0,
        existing: 1,
        repeated: 0,
        errors: 1,
        associated: 0,
        warnings: 0,
        report_key: None,
    }
}

#[test]
fn rows_are_recorded_with_their_rejections() {
    given::<Import>(vec![requested().into()])
        .when(ImportCommand::RecordRows {
            accepted: accepted(4),
            rejected: rejected(),
        })
        .then(vec![
            ImportRowsRejected { rows: rejected() }.into(),
            accepted(4).into(),
        ]);
}

#[test]
fn rows_recorded_before_are_skipped() {
    given::<Import>(vec![requested().into(), accepted(4).into()])
        .when(ImportCommand::RecordRows {
            accepted: accepted(4),
            rejected: rejected(),
        })
        .then_nothing();
}

#[test]
fn an_import_ends_once() {
    given::<Import>(vec![requested().into()])
        .when(ImportCommand::Complete(completed()))
        .then(vec![completed().into()]);
    given::<Import>(vec![requested().into(), completed().into()])
        .when(ImportCommand::Fail(ImportFailed {
            code: "BROKEN".into(),
            reason: "torn".into(),
        }))
        .then_nothing();
}

#[test]
fn an_import_is_requested_once() {
    given::<Import>(vec![])
        .when(ImportCommand::Request(requested()))
        .then(vec![requested().into()]);
    given::<Import>(vec![requested().into()])
        .when(ImportCommand::Request(requested()))
        .then_refused("ALREADY_EXISTS");
}

#[test]
fn running_import_is_cancelled_once() {
    let cancelled = || ImportCancelled {
        total: 4,
        created: 2,
        updated: 0,
        existing: 1,
        repeated: 0,
        errors: 1,
        associated: 0,
        warnings: 0,
        left: 7,
        report_key: None,
    };
    let begun: Vec<ImportEvent> = vec![requested().into(), accepted(4).into()];
    given::<Import>(begun.clone())
        .when(ImportCommand::Cancel)
        .then(vec![ImportCancelRequested {}.into()]);
    let cancelling = [begun.clone(), vec![ImportCancelRequested {}.into()]].concat();
    given::<Import>(cancelling.clone())
        .when(ImportCommand::Cancel)
        .then_nothing();
    // The chunk that is in progress is still recorded.
    given::<Import>(cancelling.clone())
        .when(ImportCommand::RecordRows {
            accepted: accepted(9),
            rejected: vec![],
        })
        .then(vec![accepted(9).into()]);
    given::<Import>(cancelling.clone())
        .when(ImportCommand::RecordCancelled(cancelled()))
        .then(vec![cancelled().into()]);
    // The end was recorded before the cancellation.
    let failed = ImportFailed {
        code: "BROKEN".into(),
        reason: "torn".into(),
    };
    for end in [completed().into(), failed.into()] {
        given::<Import>([cancelling.clone(), vec![end]].concat())
            .when(ImportCommand::Cancel)
            .then_refused("WRONG_STATE");
    }
    let ended = [cancelling, vec![cancelled().into()]].concat();
    given::<Import>(ended.clone())
        .when(ImportCommand::Complete(completed()))
        .then_nothing();
    given::<Import>(ended)
        .when(ImportCommand::Cancel)
        .then_nothing();
    given::<Import>([begun, vec![completed().into()]].concat())
        .when(ImportCommand::Cancel)
        .then_refused("WRONG_STATE");
}

#[test]
fn only_a_failed_import_is_tried_again() {
    let failed = ImportFailed {
        code: "WORKER_STOPPED".to_owned(),
        reason: "stopped".to_owned(),
    };
    let begun: Vec<ImportEvent> = vec![requested().into(), accepted(4).into()];
    let failed = [begun.clone(), vec![failed.into()]].concat();
    given::<Import>(failed.clone())
        .when(ImportCommand::Retry)
        .then(vec![ImportRetryRequested {}.into()]);
    let again = [failed, vec![ImportRetryRequested {}.into()]].concat();
    given::<Import>(again.clone())
        .when(ImportCommand::Retry)
        .then_nothing();
    given::<Import>(again)
        .when(ImportCommand::Complete(completed()))
        .then(vec![completed().into()]);
    let completed = [begun, vec![completed().into()]].concat();
    given::<Import>(completed)
        .when(ImportCommand::Retry)
        .then_refused("WRONG_STATE");
}
