//! Report of an import: the outcome of its rows, for API responses and the report object.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::row_warnings::NAME_DIFFERS;
use crate::domain::certification::reactions::import::Mismatch;
use crate::domain::{FieldError, Personal};
use crate::rendering::undrawable::UNDRAWABLE;
use crate::spreadsheet::{RawRow, RowError};

/// Maximum number of rejected rows in a response. The stored report contains all of them.
pub const MAX_SHOWN: usize = 1_000;
/// Codes of warnings.
const WARNINGS: [&str; 2] = [UNDRAWABLE, NAME_DIFFERS];

/// Report of an import. It contains personal data and is never part of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Number of rows in the file, without blank rows.
    pub total_records: u32,
    /// Number of people who were created.
    pub created: u32,
    /// Number of known people who were updated.
    pub updated: u32,
    /// Number of known people who were not changed.
    pub existing: u32,
    /// Number of rows about a person who also has an earlier row in the file.
    pub repeated: u32,
    /// Number of rejected rows.
    pub errors: u32,
    /// The first [`MAX_SHOWN`] rejected rows, in order.
    pub error_details: Vec<ErrorDetail>,
    /// Number of certificates that people get from this import.
    pub certificates_associated: u32,
    /// Number of rows that were imported with a warning.
    pub warnings: u32,
    /// The first [`MAX_SHOWN`] rows with a warning, in order.
    pub warning_details: Vec<ErrorDetail>,
}

/// Row that was rejected, or imported with a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    /// Number of the row, as a spreadsheet program shows it.
    pub row: u32,
    /// Name of the row's sheet, in a workbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The row as written: header → value.
    pub data: BTreeMap<String, Personal<String>>,
    /// Problems of the row.
    pub errors: Vec<ErrorText>,
    /// Headers of the file, from left to right. Only the first line of the report file contains
    /// them.
    #[serde(skip)]
    pub columns: Arc<[String]>,
}

/// One problem of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorText {
    /// Header of the column, as written in the file; absent if the problem concerns the whole row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Name of the field in the API; absent if the problem concerns the whole row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Stable code.
    pub code: String,
    /// Problem, and how to correct it.
    pub message: String,
}

/// Outcome of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A person was created.
    Created,
    /// A known person was updated.
    Updated,
    /// A known person was not changed.
    Existing,
    /// The row is about the person of an earlier row.
    Repeated,
    /// The row was not imported.
    Rejected(ErrorDetail),
}

impl ImportReport {
    /// Adds a row. `associated` is true if the person gets a certificate because of this row.
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
                    self.error_details.push(ErrorDetail {
                        columns: Arc::default(),
                        ..detail.clone()
                    });
                }
            }
        }
    }
}

impl ImportReport {
    /// Adds a warning that was found after all rows were read. If the row has other warnings, it is
    /// added to them. Otherwise it is inserted in the order of the rows.
    pub fn warn_also(&mut self, warning: ErrorDetail) {
        let details = &mut self.warning_details;
        let of_row =
            |one: &&mut ErrorDetail| (one.row, &one.sheet) == (warning.row, &warning.sheet);
        if let Some(known) = details.iter_mut().find(of_row) {
            known.errors.extend(warning.errors);
            return;
        }
        let is_later = |one: &ErrorDetail| one.sheet == warning.sheet && one.row > warning.row;
        let place = details.iter().position(is_later).unwrap_or(details.len());
        details.insert(
            place,
            ErrorDetail {
                columns: Arc::default(),
                ..warning
            },
        );
        details.truncate(MAX_SHOWN);
        self.warnings += 1;
    }

    /// Adds a warning about a row that was imported.
    pub fn warn(&mut self, warning: &ErrorDetail) {
        self.warnings += 1;
        if self.warning_details.len() < MAX_SHOWN {
            self.warning_details.push(ErrorDetail {
                columns: Arc::default(),
                ..warning.clone()
            });
        }
    }
}

impl ErrorDetail {
    /// Creates a warning about a row that was imported.
    #[must_use]
    pub fn warning(row: u32, raw: &RawRow, errors: Vec<ErrorText>) -> Self {
        Self::of(row, raw, errors)
    }

    /// Returns true if the row was imported with a warning.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        !self.errors.is_empty()
            && self
                .errors
                .iter()
                .all(|error| WARNINGS.contains(&error.code.as_str()))
    }

    /// Returns true if the row's person gets no certificate.
    #[must_use]
    pub fn withholds_certificate(&self) -> bool {
        self.errors.iter().any(|error| error.code != NAME_DIFFERS)
    }

    /// Creates the detail of a row that contains no valid person.
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

    /// Creates the detail of a row. The messages of its errors name the sheet and the column.
    fn of(row: u32, raw: &RawRow, mut errors: Vec<ErrorText>) -> Self {
        for error in &mut errors {
            error.message = raw.with_place(error.column.as_deref(), &error.message);
        }
        let sheet = raw.sheet().map(str::to_owned);
        Self {
            row: raw.shown_row(row),
            sheet,
            data: data(raw),
            errors,
            columns: raw.headers().clone(),
        }
    }

    /// Creates the detail of a row that was not imported because the import had been cancelled.
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

    /// Creates the detail of a row that was rejected because of `mismatch`.
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
    raw.pairs()
        .map(|(header, value)| (header, value.clone()))
        .collect()
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
    fn report_in_memory_is_limited() {
        let mut report = ImportReport::default();
        for row in 0..5_000 {
            report.add(row % 2 == 0, &Outcome::Rejected(rejected(row)));
        }
        assert_eq!(
            (
                report.total_records,
                report.errors,
                report.certificates_associated
            ),
            (5_000, 5_000, 2_500)
        );
        assert_eq!(report.error_details.len(), MAX_SHOWN);
    }
}
