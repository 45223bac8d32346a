//! Errors of a file as a whole.

mod proposal;

use thiserror::Error;

use crate::domain::Personal;
use crate::domain::certification::reading::IGNORE;
use proposal::{given_names, mapped, proposed};

/// Error because of which a file is not read, or not read further. No message contains a value of
/// the file's rows, so all messages may be logged. [`SheetError::for_uploader`] adds values that
/// only the uploader may see.
#[derive(Debug, Error)]
pub enum SheetError {
    /// The file is empty or has only blank rows.
    #[error("the file is empty; upload a sheet with a header row and one person per row")]
    Empty,
    /// The file has more bytes than [`super::Limits::max_bytes`].
    #[error("the file is larger than {} MiB; split it into several files", limit >> 20)]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The unpacked workbook has more bytes than [`super::Limits::max_inflated_bytes`], or one part
    /// is too large to read.
    #[error("the workbook unpacks to more than {} MiB; save only the sheet with the people, or use CSV", limit >> 20)]
    InflatesTooLarge {
        /// The exceeded limit, in bytes.
        limit: u64,
    },
    /// The sheet has more filled rows than [`super::Limits::max_rows`].
    #[error("the sheet has more than {limit} rows; split it into several files")]
    TooManyRows {
        /// Maximum number of rows.
        limit: u32,
    },
    /// A cell beyond column [`super::Limits::max_columns`] has a value.
    #[error(
        "row {row} has a value in column {column}, but only {limit} columns are read; delete the columns to the right"
    )]
    TooManyColumns {
        /// Number of the row, from 1, as the spreadsheet program shows it.
        row: u32,
        /// Number of the column, from 1.
        column: u64,
        /// Maximum number of columns.
        limit: usize,
    },
    /// The file is neither CSV nor a supported workbook.
    #[error("the file is {what}; save the sheet as XLSX or CSV and upload that")]
    UnknownFormat {
        /// Detected kind of file, such as "a PDF".
        what: &'static str,
    },
    /// The workbook has a password.
    #[error("the workbook is protected by a password; save it without a password, or as CSV")]
    Encrypted,
    /// The encoding of the text is unknown.
    #[error("the encoding of the text is unknown; save the sheet as \"CSV UTF-8\" or as XLSX")]
    Encoding,
    /// The names look misread: the encoding is a different one, or the text was encoded twice.
    #[error(
        "row {row}, column \"{column}\": the name looks misread (as {assumed}); set `encoding` to the encoding of the \
         file (such as {}), or save the sheet as XLSX or \"CSV UTF-8\"{}",
        labels(readings),
        confirmed(assumed)
    )]
    MisreadText {
        /// Label of the assumed encoding.
        assumed: &'static str,
        /// First row with such a name, as the spreadsheet program shows it.
        row: u32,
        /// Header of its column.
        column: String,
        /// The name in the assumed encoding and in others.
        readings: Box<Readings>,
    },
    /// An unknown column may contain a part of the name, and a row has such a value in it.
    #[error(
        "the column \"{column}\" {reason}, and row {row} has a value in it; set its field with `mapping`{}",
        proposed(key, proposal)
    )]
    UnknownNameColumn {
        /// The header as written, or the column's letter.
        column: String,
        /// Key of the column in a mapping.
        key: String,
        /// Reason for the suspicion, which follows the header in the message.
        reason: &'static str,
        /// Most likely field of the column, or `ignore`.
        proposal: &'static str,
        /// The first row with such a value.
        row: u32,
    },
    /// A full name lacks a part of the name that is in another column.
    #[error(
        "row {row}: the column \"{full}\" is read as the full name, but does not contain the name in the column \
         \"{part}\"; write the whole name in it, or use only this column with `mapping`: {}{}",
        mapped(&[(full_key, "fullName")]),
        given_names(full_key, part_key.as_deref())
    )]
    IncompleteFullName {
        /// Header of the full name.
        full: String,
        /// Key of the full name in a mapping.
        full_key: String,
        /// Header of the part.
        part: String,
        /// Key of the part in a mapping, if the part is a surname.
        part_key: Option<String>,
        /// The first such row.
        row: u32,
    },
    /// A full name differs from the name that first and last name form.
    #[error(
        "row {row}: the full name in the column \"{full}\" differs from the name in \"{first}\" and the last name; correct \
         it, or choose one with `mapping`: {} for the full name, {} for first and last name",
        mapped(&[(key, "fullName")]),
        mapped(&[(key, IGNORE)])
    )]
    FullNameDiffers {
        /// Header of the full name.
        full: String,
        /// Key of the full name in a mapping.
        key: String,
        /// Header of the first name.
        first: String,
        /// The first such row.
        row: u32,
    },
    /// Full names have the surname first and a comma, but the header does not name this order.
    #[error(
        "most names in the column \"{column}\" have a comma, as in row {row}, and seem to have the surname first; rename \
         the header to \"Last name, first name\" or \"Apellidos y nombres\", or split the column into first and last name"
    )]
    SurnameFirst {
        /// The header as written, or the column's letter.
        column: String,
        /// The first such row.
        row: u32,
    },
    /// A column of the uploader's mapping is not in the header row.
    #[error(
        "the column \"{column}\" of the mapping is not in the header row; write it as in the file"
    )]
    UnknownColumn {
        /// The header as written in the mapping.
        column: String,
        /// All headers, as written.
        found: Personal<Vec<String>>,
    },
    /// The workbook does not have the requested sheet.
    #[error("the workbook has no sheet \"{sheet}\"; it has {}", quoted(sheets))]
    UnknownSheet {
        /// Requested name.
        sheet: String,
        /// Names of all sheets of the workbook.
        sheets: Vec<String>,
    },
    /// The row that was given as the header row is blank or missing.
    #[error(
        "row {row} was given as the header row, but it is empty; give the number of the row with the headers"
    )]
    NoHeaderRow {
        /// The row, as the spreadsheet program shows it.
        row: u32,
    },
    /// Error in one sheet of a workbook.
    #[error("sheet \"{sheet}\": {source}")]
    InSheet {
        /// Name of the sheet.
        sheet: String,
        /// The error.
        source: Box<SheetError>,
    },
    /// The header row lacks required columns.
    #[error(
        "{} has no column for {}; add it, or choose a column for it with `mapping` (recognised: {}; other \
         headers: {}){}",
        header_row(*row), missing.join(", "), list(recognised), found.reveal().len() - recognised.len(),
        misread.as_ref().map_or_else(String::new, MisreadHeaders::message)
    )]
    MissingColumns {
        /// Missing fields, by their names in the API.
        missing: Vec<&'static str>,
        /// Recognised headers, as written.
        recognised: Vec<String>,
        /// All headers, as written. If the file has no header row, these are personal data.
        found: Personal<Vec<String>>,
        /// Number of the row that was used as the header row, or 0 if rows have no numbers.
        row: u32,
        /// Present if the headers look misread.
        misread: Option<MisreadHeaders>,
    },
    /// Two columns have the same field, but different values in a row.
    #[error(
        "the columns \"{first}\" and \"{second}\" both mean {field}, but row {row} has different values in them; \
         delete one of the columns, or ignore one with `mapping`: {}",
        mapped(&[(key, IGNORE)])
    )]
    DuplicateColumns {
        /// Name of the field in the API.
        field: &'static str,
        /// Header of the left column, as written.
        first: String,
        /// Header of the right column, as written.
        second: String,
        /// Key of the right column in a mapping.
        key: String,
        /// The first row in which they differ, as the spreadsheet program shows it.
        row: u32,
    },
    /// A row without quotation marks exceeds the size limit.
    #[error("row {row} is longer than {} MiB; remove what does not belong there", limit >> 20)]
    RowTooLong {
        /// Number of the row, from 1, as the spreadsheet program shows it.
        row: u32,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A quoted field is not closed, or a row with quotation marks exceeds the size limit.
    #[error(
        "row {row} does not end; a quotation mark in it is probably not closed; close or remove it"
    )]
    UnclosedQuote {
        /// Number of the row, from 1, as the spreadsheet program shows it.
        row: u32,
    },
    /// The file is damaged.
    #[error(
        "the file is damaged ({reason}); open it in a spreadsheet program, save it again and upload that"
    )]
    Broken {
        /// Kind of damage, without values of the file.
        reason: String,
    },
    /// The stored file could not be read. The uploaded file is not the cause.
    #[error("the stored file could not be read; upload it again")]
    Io(#[from] std::io::Error),
}

/// Encodings that an error offers if no likely one is known.
const OFFERED: &str = "macintosh, ibm850, windows-1252, windows-1251, shift_jis";

fn list(headers: &[String]) -> String {
    if headers.is_empty() {
        "none".to_owned()
    } else {
        headers.join(", ")
    }
}

fn header_row(row: u32) -> String {
    if row == 0 {
        "the header row".to_owned()
    } else {
        format!("row {row} looks like the header row and")
    }
}

fn quoted(names: &[String]) -> String {
    let shown = names
        .iter()
        .take(20)
        .map(|name| format!("\"{}\"", printable(name)));
    shown.collect::<Vec<_>>().join(", ")
}

/// Returns the advice for a file whose names look misread, but are correct. It is empty for text
/// that is evidently UTF-8.
fn confirmed(assumed: &str) -> String {
    if assumed == "utf-8" {
        return String::new();
    }
    format!("; if the name is correct as read, upload the file again with encoding={assumed}")
}

fn labels(readings: &Readings) -> String {
    if readings.others.is_empty() {
        return OFFERED.to_owned();
    }
    readings
        .others
        .iter()
        .map(|(label, _)| *label)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Headers that look misread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MisreadHeaders {
    /// Label of the assumed encoding.
    pub assumed: &'static str,
    /// Labels of the encodings in which more headers are known, likely ones first.
    pub encodings: Vec<&'static str>,
}

impl MisreadHeaders {
    fn message(&self) -> String {
        let offered = if self.encodings.is_empty() {
            OFFERED.to_owned()
        } else {
            self.encodings.join(", ")
        };
        format!(
            "; the headers look misread (as {}); set `encoding` to the encoding of the file (such as {offered}), or \
             save the sheet as XLSX or \"CSV UTF-8\"",
            self.assumed
        )
    }
}

/// A text in several encodings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readings {
    /// The text in the assumed encoding.
    pub read: Personal<String>,
    /// Label and text for other encodings, likely ones first.
    pub others: Vec<(&'static str, Personal<String>)>,
}

impl SheetError {
    /// Returns the stable code for programs and translations.
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
            Self::MisreadText { .. } => "MISREAD_TEXT",
            Self::UnknownNameColumn { .. } => "UNKNOWN_NAME_COLUMN",
            Self::IncompleteFullName { .. } => "INCOMPLETE_FULL_NAME",
            Self::FullNameDiffers { .. } => "FULL_NAME_DIFFERS",
            Self::SurnameFirst { .. } => "SURNAME_FIRST",
            Self::UnknownColumn { .. } => "UNKNOWN_COLUMN",
            Self::UnknownSheet { .. } => "UNKNOWN_SHEET",
            Self::NoHeaderRow { .. } => "NO_HEADER_ROW",
            Self::InSheet { source, .. } => source.code(),
            Self::MissingColumns { .. } => "MISSING_COLUMNS",
            Self::DuplicateColumns { .. } => "DUPLICATE_COLUMNS",
            Self::RowTooLong { .. } => "ROW_TOO_LONG",
            Self::UnclosedQuote { .. } => "UNCLOSED_QUOTE",
            Self::Broken { .. } => "BROKEN_FILE",
            Self::Io(_) => "FILE_NOT_READ",
        }
    }

    /// Returns the message for the uploader. It also quotes headers and names, so it must not be
    /// logged.
    #[must_use]
    pub fn for_uploader(&self) -> String {
        match self {
            Self::MissingColumns { found, .. } => {
                format!("{self}; the row reads {}", quoted(found.reveal()))
            }
            Self::UnknownColumn { found, .. } => {
                format!("{self}; the headers are {}", quoted(found.reveal()))
            }
            Self::MisreadText { readings, .. } => format!("{self}; {}", readings.message()),
            Self::InSheet { sheet, source } => {
                format!("sheet \"{sheet}\": {}", source.for_uploader())
            }
            other => other.to_string(),
        }
    }

    /// Removes the document number from the missing columns. Used if no document number is
    /// required.
    #[must_use]
    pub fn without_document(self) -> Self {
        match self {
            Self::MissingColumns {
                mut missing,
                recognised,
                found,
                row,
                misread,
            } => {
                missing.retain(|field| *field != super::Column::DocumentNumber.name());
                Self::MissingColumns {
                    missing,
                    recognised,
                    found,
                    row,
                    misread,
                }
            }
            Self::InSheet { sheet, source } => Self::InSheet {
                sheet,
                source: Box::new(source.without_document()),
            },
            other => other,
        }
    }

    /// Adds the name of the sheet. Errors of the disk or of the whole file are unchanged.
    pub(super) fn in_sheet(self, sheet: Option<&str>) -> Self {
        match (sheet, self) {
            (
                Some(_),
                error @ (Self::Io(_)
                | Self::InSheet { .. }
                | Self::UnknownSheet { .. }
                | Self::Empty),
            ) => error,
            (Some(sheet), error) => Self::InSheet {
                sheet: printable(sheet),
                source: Box::new(error),
            },
            (None, error) => error,
        }
    }

    pub(super) fn broken(reason: impl Into<String>) -> Self {
        Self::Broken {
            reason: reason.into(),
        }
    }
}

impl Readings {
    fn message(&self) -> String {
        let read = format!("the name reads \"{}\"", printable(self.read.reveal_str()));
        let other = |(label, text): &(&str, Personal<String>)| {
            format!(
                "encoding={label} reads \"{}\"",
                printable(text.reveal_str())
            )
        };
        std::iter::once(read)
            .chain(self.others.iter().map(other))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

/// Returns the first 60 characters of a header, without control characters.
pub(super) fn printable(header: &str) -> String {
    header
        .chars()
        .filter(|character| !character.is_control())
        .take(60)
        .collect()
}
