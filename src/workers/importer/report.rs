//! What became of a file's rows, as the API tells it and as the report object keeps it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::row_warnings::NAME_DIFFERS;
use crate::domain::{FieldError, Personal};
use crate::process::import::Mismatch;
use crate::sheet::{RawRow, RowError};
use crate::workers::undrawable::UNDRAWABLE;

/// Rejected rows that are shown at once; all of them are in the stored report.
pub const MAX_SHOWN: usize = 1_000;
/// Codes of warnings.
const WARNINGS: [&str; 2] = [UNDRAWABLE, NAME_DIFFERS];

/// What became of a file. Holds personal data: it never enters an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Rows in the file, blank ones not counted.
    pub total_records: u32,
    /// People created.
    pub created: u32,
    /// People changed.
    pub updated: u32,
    /// People who were known and stay as they were.
    pub existing: u32,
    /// Rows about a person whom an earlier row of the file is about.
    pub repeated: u32,
    /// Rows rejected.
    pub errors: u32,
    /// The first [`MAX_SHOWN`] rejected rows, in order.
    pub error_details: Vec<ErrorDetail>,
    /// Certificates that people get.
    pub certificates_associated: u32,
    /// Rows that were taken over with a warning.
    pub warnings: u32,
    /// The first [`MAX_SHOWN`] of them, in order.
    pub warning_details: Vec<ErrorDetail>,
}

/// A row that was rejected, or taken over with a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    /// The row's number as a spreadsheet program shows it.
    pub row: u32,
    /// Name of the row's sheet, in a workbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The row as written: header → value.
    pub data: BTreeMap<String, Personal<String>>,
    /// What is wrong with it.
    pub errors: Vec<ErrorText>,
    /// The file's headers, left to right; only on the way to the report's head.
    #[serde(skip)]
    pub columns: Arc<[String]>,
}

/// One thing that is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorText {
    /// The header as written in the file; absent where the row as a whole is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The field's name in the API; absent where the row as a whole is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// A stable code.
    pub code: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new person.
    Created,
    /// A known person, changed.
    Updated,
    /// A known person, as before.
    Existing,
    /// A person whom an earlier row is about.
    Repeated,
    /// Not taken over.
    Rejected(ErrorDetail),
}

impl ImportReport {
    /// Adds one row; `associated` says whether its person gets a certificate by it.
    pub fn add(&mut self, associated: bool, outcome: &Outcome) {
        self.total_records += 1;
        self.certificates_associated += u32::from(associated);
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Existing => self.existing += 1,
            Outcome::Repeated => self.repeated += 1,
            Outcome::Rejected(detail) => {
                self.errors += 1;
                if self.error_details.len() < MAX_SHOWN {
                    self.error_details.push(ErrorDetail { columns: Arc::default(), ..detail.clone() });
                }
            }
        }
    }
}

impl ImportReport {
    /// Adds a warning that became known after all rows: to the other warnings of its row, or in the rows' order.
    pub fn warn_also(&mut self, warning: ErrorDetail) {
        let details = &mut self.warning_details;
        let of_row = |one: &&mut ErrorDetail| (one.row, &one.sheet) == (warning.row, &warning.sheet);
        if let Some(known) = details.iter_mut().find(of_row) {
            known.errors.extend(warning.errors);
            return;
        }
        let is_later = |one: &ErrorDetail| one.sheet == warning.sheet && one.row > warning.row;
        let place = details.iter().position(is_later).unwrap_or(details.len());
        details.insert(place, ErrorDetail { columns: Arc::default(), ..warning });
        details.truncate(MAX_SHOWN);
        self.warnings += 1;
    }

    /// Adds the warning about a row that was taken over.
    pub fn warn(&mut self, warning: &ErrorDetail) {
        self.warnings += 1;
        if self.warning_details.len() < MAX_SHOWN {
            self.warning_details.push(ErrorDetail { columns: Arc::default(), ..warning.clone() });
        }
    }
}

impl ErrorDetail {
    /// A row that was taken over, with what its uploader has to know.
    #[must_use]
    pub fn warning(row: u32, raw: &RawRow, errors: Vec<ErrorText>) -> Self {
        Self::of(row, raw, errors)
    }

    /// Returns true if the row was taken over.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        !self.errors.is_empty() && self.errors.iter().all(|error| WARNINGS.contains(&error.code.as_str()))
    }

    /// Returns true if the row's person gets no certificate.
    #[must_use]
    pub fn withholds_certificate(&self) -> bool {
        self.errors.iter().any(|error| error.code != NAME_DIFFERS)
    }

    /// A row that could not be read as a person.
    #[must_use]
    pub fn of_row(row: u32, raw: &RawRow, errors: Vec<RowError>) -> Self {
        let text = |error: RowError| ErrorText {
            column: error.column,
            field: error.field.map(str::to_owned),
            code: error.code.to_owned(),
            message: error.message,
        };
        Self::of(row, raw, errors.into_iter().map(text).collect())
    }

    /// A row with its errors, whose messages name sheet and column.
    fn of(row: u32, raw: &RawRow, mut errors: Vec<ErrorText>) -> Self {
        for error in &mut errors {
            error.message = raw.told(error.column.as_deref(), &error.message);
        }
        let sheet = raw.sheet().map(str::to_owned);
        Self { row: raw.shown_row(row), sheet, data: data(raw), errors, columns: raw.headers().clone() }
    }

    /// A row that nobody looked at, because the import was cancelled before.
    #[must_use]
    pub fn left(row: u32, raw: &RawRow) -> Self {
        let error = ErrorText {
            column: None,
            field: None,
            code: "NOT_TAKEN_IN".to_owned(),
            message: "the import was cancelled before this row; upload it again".to_owned(),
        };
        Self::of(row, raw, vec![error])
    }

    /// A row that is about nobody in particular, or about somebody else than it says.
    #[must_use]
    pub fn of_mismatch(row: u32, raw: &RawRow, mismatch: &Mismatch) -> Self {
        let text = |error: FieldError| ErrorText {
            column: raw.header_of(error.field).map(str::to_owned),
            field: Some(error.field.to_owned()),
            code: error.code.to_owned(),
            message: error.message,
        };
        let errors = mismatch.errors(&|earlier| raw.named_row(earlier));
        Self::of(row, raw, errors.into_iter().map(text).collect())
    }
}

fn data(raw: &RawRow) -> BTreeMap<String, Personal<String>> {
    raw.pairs().map(|(header, value)| (header, value.clone())).collect()
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;

    pub(in super::super) fn rejected(row: u32) -> ErrorDetail {
        let error = ErrorText {
            column: None,
            field: None,
            code: "DUPLICATE".to_owned(),
            message: "twice\n".to_owned(),
        };
        ErrorDetail {
            row,
            sheet: None,
            data: BTreeMap::new(),
            errors: vec![error],
            columns: Arc::new(["Name".to_owned()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::rejected;
    use super::*;

    #[test]
    fn a_report_in_memory_stops_growing() {
        let mut report = ImportReport::default();
        for row in 0..5_000 {
            report.add(row % 2 == 0, &Outcome::Rejected(rejected(row)));
        }
        assert_eq!(
            (report.total_records, report.errors, report.certificates_associated),
            (5_000, 5_000, 2_500)
        );
        assert_eq!(report.error_details.len(), MAX_SHOWN);
    }
}
