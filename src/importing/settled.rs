//! Rows whose outcome is decided, and the command that records them.

use super::report::{ErrorDetail, Outcome};
use crate::commands::import_person::PersonImport;
use crate::domain::certification::import::{
    Earned, ImportCommand, ImportRowsAccepted, RejectedField, RejectedRow,
};
use crate::domain::certification::reactions::import::{Mismatch, Seen};
use crate::domain::{AttendeeId, CertificateId, PersonEntry};
use crate::spreadsheet::RawRow;

/// Row with its final outcome.
pub(super) struct Settled {
    pub row: u32,
    /// Id of the person; `None` if the row was rejected.
    pub id: Option<AttendeeId>,
    pub earned: Option<Earned>,
    pub outcome: Outcome,
    /// Warning about a row that was imported.
    pub warning: Option<ErrorDetail>,
}

/// Decided row that has not been compared with the other rows of the file yet.
pub(super) enum Decided {
    /// Row that was not imported, with its number in the file.
    Rejected(u32, ErrorDetail),
    /// Row that was imported.
    About(Box<About>),
}

/// Imported row about a person.
pub(super) struct About {
    pub row: u32,
    pub id: AttendeeId,
    pub outcome: Outcome,
    pub entry: PersonEntry,
    pub raw: RawRow,
    pub certificate_id: Option<CertificateId>,
    pub warning: Option<ErrorDetail>,
}

impl Decided {
    /// Creates a decided row from the result of its import and the warnings about it.
    pub(super) fn of(
        row: u32,
        imported: PersonImport,
        entry: PersonEntry,
        raw: RawRow,
        certificate_id: Option<CertificateId>,
        warning: Option<ErrorDetail>,
    ) -> Self {
        let (id, outcome) = match imported {
            PersonImport::Created(id) => (id, Outcome::Created),
            PersonImport::Updated(id) => (id, Outcome::Updated),
            PersonImport::Existing(id) => (id, Outcome::Existing),
            PersonImport::Rejected(mismatch) => {
                return Self::Rejected(row, ErrorDetail::of_mismatch(row, &raw, &mismatch));
            }
        };
        Self::About(Box::new(About {
            row,
            id,
            outcome,
            entry,
            raw,
            certificate_id,
            warning,
        }))
    }

    /// Returns the number of the row.
    pub(super) const fn row(&self) -> u32 {
        match self {
            Self::Rejected(row, _) => *row,
            Self::About(about) => about.row,
        }
    }

    /// Compares the row with the earlier rows of the file and adds its person to `seen`. So each
    /// person and certificate is counted once per file.
    pub(super) fn settled(self, seen: &mut Seen) -> Settled {
        let about = match self {
            Self::Rejected(row, detail) => return Settled::rejected(row, detail),
            Self::About(about) => *about,
        };
        let About {
            row,
            id,
            outcome,
            entry,
            raw,
            certificate_id,
            warning,
        } = about;
        if let (Outcome::Existing, Some(found)) = (&outcome, seen.contradiction(id, &entry)) {
            let detail = ErrorDetail::of_mismatch(row, &raw, &Mismatch::Contradicts(found));
            return Settled::rejected(row, detail);
        }
        let is_withheld = warning
            .as_ref()
            .is_some_and(ErrorDetail::withholds_certificate);
        let certificate_id = certificate_id.filter(|_| !is_withheld);
        let noted = seen.note(id, row, &entry, certificate_id);
        let earned = certificate_id.filter(|_| noted.earns);
        let earned = earned.map(|certificate_id| Earned {
            attendee_id: id,
            certificate_id,
        });
        let outcome = if noted.is_repeated {
            Outcome::Repeated
        } else {
            outcome
        };
        Settled {
            row,
            id: Some(id),
            earned,
            outcome,
            warning,
        }
    }
}

impl Settled {
    fn rejected(row: u32, detail: ErrorDetail) -> Self {
        Self {
            row,
            id: None,
            earned: None,
            outcome: Outcome::Rejected(detail),
            warning: None,
        }
    }
}

/// Returns the command that records the rows of a chunk, up to `through_row`.
pub(super) fn record_rows(through_row: u32, settled: &[Settled]) -> ImportCommand {
    let count = |wanted: Outcome| {
        u32::try_from(settled.iter().filter(|row| row.outcome == wanted).count())
            .unwrap_or(u32::MAX)
    };
    let rejected = settled.iter().filter_map(|row| match &row.outcome {
        Outcome::Rejected(detail) => Some(RejectedRow {
            row: row.row,
            errors: detail
                .errors
                .iter()
                .map(|error| RejectedField {
                    field: error.field.clone(),
                    code: error.code.clone(),
                })
                .collect(),
        }),
        Outcome::Created | Outcome::Updated | Outcome::Existing | Outcome::Repeated => None,
    });
    let was_known = |row: &&Settled| matches!(row.outcome, Outcome::Updated | Outcome::Existing);
    let accepted = ImportRowsAccepted {
        through_row,
        created: count(Outcome::Created),
        updated: count(Outcome::Updated),
        existing: count(Outcome::Existing),
        earned: settled.iter().filter_map(|row| row.earned).collect(),
        known: settled
            .iter()
            .filter(was_known)
            .filter_map(|row| row.id)
            .collect(),
    };
    ImportCommand::RecordRows {
        accepted,
        rejected: rejected.collect(),
    }
}
