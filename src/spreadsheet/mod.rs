//! Reading people out of a spreadsheet somebody uploaded: CSV, XLSX and XLS, row by row, within [`Limits`].
//!
//! The order is [`sniff()`] on the first bytes, [`open`] on the stored file, then iterate. A [`SheetError`]
//! is about the whole file; whatever is wrong with one row is a [`RowOutcome::Rejected`] and the rows
//! after it go on. Memory stays constant, whatever a file declares or holds: CSV is decoded and split as
//! it is read, workbooks are read cell by cell. Only a workbook's shared strings are held as a whole,
//! and they have a bound.
//!
//! [`export`] is the other way round: tables that people open in a spreadsheet program.

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
mod name_order;
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

/// The columns that a report of rejected rows adds: the row's number, and what is wrong with it. They mean
/// nothing when the corrected report is read, and tell that it is one.
pub const REPORT_COLUMNS: [&str; 2] = ["laureate_row", "laureate_reason"];

/// Id column of our export; marks a file as our export.
pub const EXPORT_ID_COLUMN: &str = "attendee_id";

/// Returns true if a label names an encoding that text can be read in.
#[must_use]
pub fn is_encoding(label: &str) -> bool {
    charset::Charset::of_label(label).is_some()
}

/// What one file may cost. Rows and columns count what is filled in, not what is blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the uploaded file, in bytes.
    pub max_bytes: u64,
    /// Filled rows below the header.
    pub max_rows: u32,
    /// Columns; a filled cell further right is an error.
    pub max_columns: usize,
    /// Characters in one cell; a longer one is an error of its row.
    pub max_cell_chars: usize,
    /// Bytes that all parts of an XLSX may inflate to. (An XLS is not packed: its size is its limit.)
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
