//! What can be wrong with a file as a whole.

use thiserror::Error;

use crate::domain::Personal;

/// The file cannot be read, or not further. No message contains a value out of the file's rows, so that
/// it can be logged; [`SheetError::for_uploader`] adds what only the uploader may see.
#[derive(Debug, Error)]
pub enum SheetError {
    /// Nothing in it, or nothing but blank rows.
    #[error("the file is empty; upload a sheet with a header row and one person per row")]
    Empty,
    /// More bytes than [`super::Limits::max_bytes`].
    #[error("the file is larger than {} MiB; split it into several files", limit >> 20)]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// More bytes when unpacked than [`super::Limits::max_inflated_bytes`], or a part too large to read.
    #[error("the workbook unpacks to more than {} MiB; save only the sheet with the people, or use CSV", limit >> 20)]
    InflatesTooLarge {
        /// The limit that was passed, in bytes.
        limit: u64,
    },
    /// More filled rows than [`super::Limits::max_rows`].
    #[error("the sheet has more than {limit} rows; split it into several files")]
    TooManyRows {
        /// The limit.
        limit: u32,
    },
    /// Something stands further right than [`super::Limits::max_columns`].
    #[error(
        "row {row} has something in column {column}, and only {limit} columns are read; delete what is to the right"
    )]
    TooManyColumns {
        /// 1-based, as the spreadsheet program shows it.
        row: u32,
        /// 1-based.
        column: u64,
        /// The limit.
        limit: usize,
    },
    /// Neither CSV nor a workbook that we read.
    #[error("the file is {what}; save the sheet as XLSX or CSV and upload that")]
    UnknownFormat {
        /// What it looks like, e.g. "a PDF".
        what: &'static str,
    },
    /// The workbook has a password.
    #[error("the workbook is protected by a password; save it without one, or as CSV")]
    Encrypted,
    /// The text is in no encoding we know.
    #[error("the text's encoding is not known; save the sheet as \"CSV UTF-8\" or as XLSX")]
    Encoding,
    /// Required columns are not in the header row.
    #[error(
        "the header row has no column for {}; add it (recognised: {}; other headers: {})",
        missing.join(", "), list(recognised), found.reveal().len() - recognised.len()
    )]
    MissingColumns {
        /// What is missing, by its name in the API.
        missing: Vec<&'static str>,
        /// The headers that were understood, as written.
        recognised: Vec<String>,
        /// All headers, as written. Where the header row is missing, these are somebody's data.
        found: Personal<Vec<String>>,
    },
    /// Two headers mean the same field, and a row has different values below them.
    #[error(
        "the columns \"{first}\" and \"{second}\" both mean {field}, and row {row} says different things in them; \
         delete one of the columns or rename its header"
    )]
    DuplicateColumns {
        /// The column's name in the API.
        field: &'static str,
        /// The left one, as written.
        first: String,
        /// The right one, as written.
        second: String,
        /// The first row in which they differ, as the spreadsheet program shows it.
        row: u32,
    },
    /// A quoted field that is never closed, or a row of unreasonable size.
    #[error("row {row} does not end; a quotation mark in it is probably never closed")]
    UnclosedQuote {
        /// 1-based, as the spreadsheet program shows it.
        row: u32,
    },
    /// The file is damaged.
    #[error(
        "the file is damaged ({reason}); open it in a spreadsheet program, save it again and upload that"
    )]
    Broken {
        /// What was found, without any of the file's values.
        reason: String,
    },
    /// The stored file could not be read; not the uploader's fault.
    #[error("the stored file could not be read; upload it again")]
    Io(#[from] std::io::Error),
}

fn list(headers: &[String]) -> String {
    if headers.is_empty() { "none".to_owned() } else { headers.join(", ") }
}

impl SheetError {
    /// A stable code for programs and translations.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "EMPTY_FILE",
            Self::TooLarge { .. } => "FILE_TOO_LARGE",
            Self::InflatesTooLarge { .. } => "FILE_INFLATES_TOO_LARGE",
            Self::TooManyRows { .. } => "TOO_MANY_ROWS",
            Self::TooManyColumns { .. } => "TOO_MANY_COLUMNS",
            Self::UnknownFormat { .. } => "UNKNOWN_FORMAT",
            Self::Encrypted => "ENCRYPTED_FILE",
            Self::Encoding => "UNKNOWN_ENCODING",
            Self::MissingColumns { .. } => "MISSING_COLUMNS",
            Self::DuplicateColumns { .. } => "DUPLICATE_COLUMNS",
            Self::UnclosedQuote { .. } => "UNCLOSED_QUOTE",
            Self::Broken { .. } => "BROKEN_FILE",
            Self::Io(_) => "FILE_NOT_READ",
        }
    }

    /// The message for the person who uploaded the file: it also lists the headers that were found.
    /// Not for logs.
    #[must_use]
    pub fn for_uploader(&self) -> String {
        let Self::MissingColumns { found, .. } = self else { return self.to_string() };
        let shown = found.reveal().iter().take(20).map(|header| format!("\"{}\"", printable(header)));
        format!("{self}; the first row reads {}", shown.collect::<Vec<_>>().join(", "))
    }

    pub(super) fn broken(reason: impl Into<String>) -> Self {
        Self::Broken { reason: reason.into() }
    }
}

/// A header cut to what fits a message.
pub(super) fn printable(header: &str) -> String {
    header.chars().filter(|character| !character.is_control()).take(60).collect()
}
