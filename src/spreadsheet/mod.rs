//! Reader for people in uploaded spreadsheets (CSV, XLSX and XLS). It reads row by row, within
//! [`Limits`].
//!
//! Call [`sniff()`] on the first bytes of a file, then [`open`] on the stored file, and iterate
//! over the rows. A [`SheetError`] applies to the whole file. An error in one row gives a
//! [`RowOutcome::Rejected`], and reading continues with the next row.
//!
//! Memory use doesn't depend on the size of the file. CSV is decoded and split while it is read,
//! and workbooks are read cell by cell. Only the shared strings of a workbook are kept in memory
//! completely, and their size is limited.
//!
//! [`export`] writes tables for spreadsheet programs.

mod archive;
mod cell;
mod charset;
mod delimited;
mod encoding;
mod error;
pub mod export;
mod field;
mod header_row;
mod headers;
mod how_read;
mod json_lines;
mod made_up;
mod misread;
mod number_format;
mod quotes;
mod raw_row;
mod reader;
mod row;
mod sniff;
mod strings;
mod values;
mod workbook;
mod xls;
mod xlsx;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use encoding::EncodingSource;
pub use error::{Readings, SheetError};
pub use headers::Column;
pub use how_read::{HiddenColumn, HiddenRows, HowRead, SheetFate, SheetState, ShownRow};
pub use json_lines::PersonLine;
pub use made_up::made_up_people;
pub use raw_row::RawRow;
pub use reader::{SheetReader, open};
pub use row::{RowError, RowOutcome, SheetRow};
pub use sniff::{Format, SNIFF_BYTES, sniff};

/// Columns that a report of rejected rows adds: row number and reason. If the corrected report is
/// uploaded, their values are ignored. Their presence shows that the file is such a report.
pub const REPORT_COLUMNS: [&str; 2] = ["laureate_row", "laureate_reason"];

/// Id column of Laureate's export. Its presence shows that a file is an export.
pub const EXPORT_ID_COLUMN: &str = "attendee_id";

/// Returns true if `label` is the name of a supported text encoding.
#[must_use]
pub fn is_encoding(label: &str) -> bool {
    charset::Charset::of_label(label).is_some()
}

/// Limits for one file. Blank rows and columns are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of the uploaded file, in bytes.
    pub max_bytes: u64,
    /// Maximum number of filled rows below the header.
    pub max_rows: u32,
    /// Maximum number of columns. A filled cell to the right of the last one is an error.
    pub max_columns: usize,
    /// Maximum number of characters in one cell. A longer cell is an error of its row.
    pub max_cell_chars: usize,
    /// Maximum inflated size of all parts of an XLSX file, in bytes. XLS files are not compressed,
    /// so only `max_bytes` limits them.
    pub max_inflated_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 256 << 20,
            max_rows: 1_000_000,
            max_columns: 256,
            max_cell_chars: 4_096,
            max_inflated_bytes: 512 << 20,
        }
    }
}
