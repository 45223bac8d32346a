//! Reading people out of a spreadsheet somebody uploaded: CSV and XLSX, row by row, within [`Limits`].
//!
//! The order is [`sniff()`] on the first bytes, [`open`] on the stored file, then iterate. A [`SheetError`]
//! is about the whole file; whatever is wrong with one row is a [`RowOutcome::Rejected`] and the rows
//! after it go on. Memory stays constant: CSV is decoded and split as it is read, XLSX cell by cell
//! (calamine's ranges would allocate rows × columns for one far cell).

mod archive;
mod delimited;
mod encoding;
mod error;
mod headers;
mod made_up;
mod reader;
mod row;
mod sniff;
mod workbook;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use error::SheetError;
pub use headers::Column;
pub use made_up::made_up_people;
pub use reader::{SheetReader, open};
pub use row::{RawRow, RowError, RowOutcome, SheetRow};
pub use sniff::{Format, SNIFF_BYTES, sniff};

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
    /// Bytes that all parts of an XLSX may inflate to.
    pub max_inflated_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_rows: 100_000,
            max_columns: 256,
            max_cell_chars: 4_096,
            max_inflated_bytes: 512 << 20,
        }
    }
}
