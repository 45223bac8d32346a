//! What can be wrong with a file as a whole.

mod proposal;

use thiserror::Error;

use crate::domain::Personal;
use crate::domain::certification::reading::IGNORE;
use proposal::{given_names, mapped, proposed};

/// The file cannot be read, or not further. No message contains a value out of the file's rows, so
/// that it can be logged; [`SheetError::for_uploader`] adds what only the uploader may see.
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
    /// More bytes when unpacked than [`super::Limits::max_inflated_bytes`], or a part too large to
    /// read.
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
    /// The text is not what the names can have been: another encoding, or text that was encoded
    /// twice.
    #[error(
        "the names can't be right as they are read ({assumed}): row {row}, column \"{column}\"; say with `encoding` \
         which encoding the file has (such as {}), or save the sheet as XLSX or \"CSV UTF-8\"{}",
        labels(readings),
        confirmed(assumed)
    )]
    MisreadText {
        /// Label of the encoding that was assumed.
        assumed: &'static str,
        /// First row with such a name, as the spreadsheet program shows it.
        row: u32,
        /// Header of its column.
        column: String,
        /// The name as it was read, and as other encodings read it.
        readings: Box<Readings>,
    },
    /// A column that may have a part of the name, with such a value in it.
    #[error(
        "the column \"{column}\" {reason}, and row {row} has a value in it; say with `mapping` what it is{}",
        proposed(key, proposal)
    )]
    UnknownNameColumn {
        /// The header, as written, or the column's letter.
        column: String,
        /// Name of the column in a mapping.
        key: String,
        /// Reason for the suspicion.
        reason: &'static str,
        /// The field that it most likely gives, or `ignore`.
        proposal: &'static str,
        /// The first row with a value in it.
        row: u32,
    },
    /// A full name without a part of the name that another column has.
    #[error(
        "row {row}: the column \"{full}\" is read as the full name and lacks the name in the column \"{part}\"; write \
         the whole name in it, or say with `mapping` that it counts alone: {}{}",
        mapped(&[(full_key, "fullName")]),
        given_names(full_key, part_key.as_deref())
    )]
    IncompleteFullName {
        /// Header of the full name.
        full: String,
        /// Name of the full name in a mapping.
        full_key: String,
        /// Header of the part.
        part: String,
        /// Name of the part in a mapping, if it is a surname.
        part_key: Option<String>,
        /// The first such row.
        row: u32,
    },
    /// A full name that is not the name that first and last name make.
    #[error(
        "row {row}: the name in the column \"{full}\" is not the one in \"{first}\" and the last name; correct it, or say \
         with `mapping` which one counts: {} for the full name, {} for its parts",
        mapped(&[(key, "fullName")]),
        mapped(&[(key, IGNORE)])
    )]
    FullNameDiffers {
        /// Header of the full name.
        full: String,
        /// Name of the full name in a mapping.
        key: String,
        /// Header of the first name.
        first: String,
        /// The first such row.
        row: u32,
    },
    /// Full names with the surname first and a comma, in a column whose header doesn't say so.
    #[error(
        "most names in the column \"{column}\" have a comma, as in row {row}, and seem to have the surname first; rename \
         the header to \"Last name, first name\" or \"Apellidos y nombres\", or split the column into first and last name"
    )]
    SurnameFirst {
        /// The header, as written, or the column's letter.
        column: String,
        /// The first such row.
        row: u32,
    },
    /// A header of the uploader's mapping that the header row doesn't have.
    #[error(
        "the mapping names the column \"{column}\", and the header row has none; write it as in the file"
    )]
    UnknownColumn {
        /// The header, as the mapping has it.
        column: String,
        /// All headers, as written.
        found: Personal<Vec<String>>,
    },
    /// A sheet that the workbook doesn't have.
    #[error("the workbook has no sheet \"{sheet}\"; it has {}", quoted(sheets))]
    UnknownSheet {
        /// The name that was asked for.
        sheet: String,
        /// Names of the sheets that it has.
        sheets: Vec<String>,
    },
    /// The row that was named as the header row is blank or not there.
    #[error(
        "row {row} is to be the header row, and has nothing in it; give the number of the row with the headers"
    )]
    NoHeaderRow {
        /// The row, as the spreadsheet program shows it.
        row: u32,
    },
    /// Another error, in a sheet of a workbook.
    #[error("sheet \"{sheet}\": {source}")]
    InSheet {
        /// The sheet's name.
        sheet: String,
        /// The error.
        source: Box<SheetError>,
    },
    /// Required columns are not in the header row.
    #[error(
        "{} has no column for {}; add it, or say with `mapping` which column it is (recognised: {}; other \
         headers: {}){}",
        header_row(*row), missing.join(", "), list(recognised), found.reveal().len() - recognised.len(),
        misread.as_ref().map_or_else(String::new, MisreadHeaders::message)
    )]
    MissingColumns {
        /// What is missing, by its name in the API.
        missing: Vec<&'static str>,
        /// The headers that were understood, as written.
        recognised: Vec<String>,
        /// All headers, as written. Where the header row is missing, these are somebody's data.
        found: Personal<Vec<String>>,
        /// Number of the row that was taken for the header row; 0 where there are no numbers.
        row: u32,
        /// Present if the headers look misread.
        misread: Option<MisreadHeaders>,
    },
    /// Two headers mean the same field, and a row has different values below them.
    #[error(
        "the columns \"{first}\" and \"{second}\" both mean {field}, and row {row} says different things in them; \
         delete one of the columns, or say with `mapping` that it is not read: {}",
        mapped(&[(key, IGNORE)])
    )]
    DuplicateColumns {
        /// The column's name in the API.
        field: &'static str,
        /// The left one, as written.
        first: String,
        /// The right one, as written.
        second: String,
        /// Name of the right one in a mapping.
        key: String,
        /// The first row in which they differ, as the spreadsheet program shows it.
        row: u32,
    },
    /// A row of unreasonable size, without quotation marks.
    #[error("row {row} is longer than {} MiB; remove what does not belong there", limit >> 20)]
    RowTooLong {
        /// 1-based, as the spreadsheet program shows it.
        row: u32,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A quoted field that is never closed, or a row of unreasonable size with quotation marks.
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

/// Encodings that are offered where nothing tells which one is meant.
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

/// The way to upload a file whose names look misread and are not. A text that is evidently UTF-8
/// has none.
fn confirmed(assumed: &str) -> String {
    if assumed == "utf-8" {
        return String::new();
    }
    format!(
        "; if the names are right as they are read, upload the file again with encoding={assumed}"
    )
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
    /// Label of the encoding that was assumed.
    pub assumed: &'static str,
    /// Labels of encodings in which more headers are known, likely ones first.
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
            "; the headers look misread (as {}): say with `encoding` which encoding the file has (such as {offered}), or \
             save the sheet as XLSX or \"CSV UTF-8\"",
            self.assumed
        )
    }
}

/// A text in several encodings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readings {
    /// As it was read.
    pub read: Personal<String>,
    /// As other encodings read it, likely ones first: label and text.
    pub others: Vec<(&'static str, Personal<String>)>,
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

    /// The message for the person who uploaded the file: it also quotes headers and names. Not for
    /// logs.
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

    /// Leaves the document number out of what is missing, where none is required.
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

    /// Names the sheet that an error is about. Errors of the disk or of the whole file stay as they
    /// are.
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

/// A header cut to what fits a message.
pub(super) fn printable(header: &str) -> String {
    header
        .chars()
        .filter(|character| !character.is_control())
        .take(60)
        .collect()
}
