//! Rows that reached a decision, and what is noted of them.

use super::report::{ErrorDetail, Outcome};
use crate::commands::take_in_row::rejection;
use crate::domain::CertificateId;
use crate::domain::import::{Earned, ImportCommand, ImportRowsAccepted, RejectedField, RejectedRow};
use crate::process::import::RowPlan;
use crate::sheet::RawRow;

/// A row that reached a decision.
pub(super) struct Settled {
    pub row: u32,
    pub earned: Option<Earned>,
    pub outcome: Outcome,
    /// What its uploader has to know, where it was taken over.
    pub warning: Option<ErrorDetail>,
}

impl Settled {
    /// The same with a warning: the row's person gets no certificate.
    pub(super) fn warned(self, warning: ErrorDetail) -> Self {
        let is_taken = !matches!(self.outcome, Outcome::Rejected(_));
        Self { earned: None, warning: is_taken.then_some(warning), ..self }
    }
}

/// A row as its plan settles it.
pub(super) fn settled(
    row: u32,
    plan: RowPlan,
    certificate_id: Option<CertificateId>,
    raw: &RawRow,
) -> Settled {
    let holder = match plan {
        RowPlan::Create(id) | RowPlan::Update(id) | RowPlan::Duplicate { attendee_id: id, .. } => Some(id),
        RowPlan::TwoPeople => None,
    };
    let earned = holder
        .zip(certificate_id)
        .map(|(attendee_id, certificate_id)| Earned { attendee_id, certificate_id });
    let outcome = match (plan, rejection(plan)) {
        (_, Some((code, field))) => Outcome::Rejected(ErrorDetail::of_plan(row, raw, code, field)),
        (RowPlan::Create(_), None) => Outcome::Created,
        (_, None) => Outcome::Updated,
    };
    Settled { row, earned, outcome, warning: None }
}

/// What is noted of a chunk.
pub(super) fn record_rows(through_row: u32, settled: &[Settled]) -> ImportCommand {
    let count = |wanted: fn(&Outcome) -> bool| {
        u32::try_from(settled.iter().filter(|row| wanted(&row.outcome)).count()).unwrap_or(u32::MAX)
    };
    let rejected = settled.iter().filter_map(|row| match &row.outcome {
        Outcome::Rejected(detail) => Some(RejectedRow {
            row: row.row,
            errors: detail
                .errors
                .iter()
                .map(|error| RejectedField { field: error.field.clone(), code: error.code.clone() })
                .collect(),
        }),
        Outcome::Created | Outcome::Updated => None,
    });
    let accepted = ImportRowsAccepted {
        through_row,
        created: count(|outcome| matches!(outcome, Outcome::Created)),
        updated: count(|outcome| matches!(outcome, Outcome::Updated)),
        earned: settled.iter().filter_map(|row| row.earned).collect(),
    };
    ImportCommand::RecordRows { accepted, rejected: rejected.collect() }
}
