//! What became of a file's rows, as the API tells it and as the report object keeps it.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write as _};

use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempPath};

use crate::domain::Personal;
use crate::sheet::{RawRow, RowError};

/// Rejected rows that are shown at once; all of them are in the stored report.
pub const MAX_SHOWN: usize = 1_000;

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
    /// Rows rejected.
    pub errors: u32,
    /// The first [`MAX_SHOWN`] rejected rows, in order.
    pub error_details: Vec<ErrorDetail>,
    /// Rows whose person gets a certificate.
    pub certificates_associated: u32,
}

/// A rejected row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    /// The row's number as a spreadsheet program shows it.
    pub row: u32,
    /// The row as written: header → value.
    pub data: BTreeMap<String, Personal<String>>,
    /// What is wrong with it.
    pub errors: Vec<ErrorText>,
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
    /// Not taken over.
    Rejected(ErrorDetail),
}

impl ImportReport {
    /// Adds one row; `associated` says whether its person gets a certificate.
    pub fn add(&mut self, associated: bool, outcome: &Outcome) {
        self.total_records += 1;
        self.certificates_associated += u32::from(associated);
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Rejected(detail) => {
                self.errors += 1;
                if self.error_details.len() < MAX_SHOWN {
                    self.error_details.push(detail.clone());
                }
            }
        }
    }
}

/// The rejected rows of an import on their way to the report object: a line of JSON each, because a
/// million of them would not fit into memory. No file where no row is rejected.
#[derive(Default)]
pub struct ReportFile(Option<BufWriter<NamedTempFile>>);

impl ReportFile {
    /// Adds a row.
    ///
    /// # Errors
    /// The temporary file can't be written.
    pub fn add(&mut self, detail: &ErrorDetail) -> io::Result<()> {
        let file = match &mut self.0 {
            Some(file) => file,
            empty => empty.insert(BufWriter::with_capacity(64 * 1024, NamedTempFile::new()?)),
        };
        serde_json::to_writer(&mut *file, detail)?;
        file.write_all(b"\n")
    }

    /// The whole file, which is deleted when its path is dropped.
    ///
    /// # Errors
    /// The temporary file can't be written.
    pub fn finish(self) -> io::Result<Option<TempPath>> {
        let file = self.0.map(|file| file.into_inner().map_err(io::IntoInnerError::into_error));
        Ok(file.transpose()?.map(NamedTempFile::into_temp_path))
    }

    /// The rows at the beginning of a report of which perhaps only a part was read.
    ///
    /// # Errors
    /// A line is not a rejected row.
    pub fn first_rows(start: &[u8]) -> serde_json::Result<Vec<ErrorDetail>> {
        let whole = start.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        let lines = start[..whole].split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.take(MAX_SHOWN).map(serde_json::from_slice).collect()
    }
}

impl ErrorDetail {
    /// A row that could not be read as a person.
    #[must_use]
    pub fn of_row(row: u32, raw: &RawRow, errors: Vec<RowError>) -> Self {
        let text = |error: RowError| ErrorText {
            column: error.column,
            field: error.field.map(str::to_owned),
            code: error.code.to_owned(),
            message: error.message,
        };
        Self { row, data: data(raw), errors: errors.into_iter().map(text).collect() }
    }

    /// A row whose person can't be taken in; see [`crate::commands::take_in_row::rejection`].
    #[must_use]
    pub fn of_plan(row: u32, raw: &RawRow, code: &str, field: Option<&str>) -> Self {
        let message = match field {
            Some("email") => {
                "somebody with this e-mail address is known already; updateExisting changes them"
            }
            Some(_) => "somebody with this document number is known already; updateExisting changes them",
            None => "the e-mail address and the document number belong to two different people; correct one",
        };
        let error = ErrorText {
            column: None,
            field: field.map(str::to_owned),
            code: code.to_owned(),
            message: message.to_owned(),
        };
        Self { row, data: data(raw), errors: vec![error] }
    }
}

fn data(raw: &RawRow) -> BTreeMap<String, Personal<String>> {
    raw.pairs().map(|(header, value)| (header, value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(row: u32) -> ErrorDetail {
        let error = ErrorText {
            column: None,
            field: None,
            code: "DUPLICATE".to_owned(),
            message: "twice\n".to_owned(),
        };
        ErrorDetail { row, data: BTreeMap::new(), errors: vec![error] }
    }

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

    #[test]
    fn the_first_rows_are_read_from_the_beginning_of_a_report() {
        let mut file = ReportFile::default();
        for row in 0..1_500 {
            file.add(&rejected(row)).expect("a temporary file takes bytes");
        }
        let path = file.finish().expect("written").expect("rows were rejected");
        let whole = std::fs::read(&path).expect("it is there");
        let rows = |bytes: &[u8]| -> Vec<u32> {
            ReportFile::first_rows(bytes).expect("whole lines").iter().map(|detail| detail.row).collect()
        };
        assert_eq!(rows(&whole), (0..1_000).collect::<Vec<u32>>());
        // Cut anywhere, what is whole is read.
        let line = whole.iter().position(|&byte| byte == b'\n').expect("lines") + 1;
        for (end, count) in [(0, 0), (line - 1, 0), (line, 1), (line + 5, 1)] {
            assert_eq!(rows(&whole[..end]).len(), count);
        }
        assert!(ReportFile::default().finish().expect("nothing to write").is_none());
    }
}
