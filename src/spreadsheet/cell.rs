//! Cells and rows as read from a file of any format.

use super::row::RowError;
use crate::domain::{Personal, trimmed};

/// Cell of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Text(Personal<String>),
    /// Content that is invalid in every field. It is ignored in columns that are not mapped to a
    /// field.
    Unusable {
        shown: Personal<String>,
        code: &'static str,
        message: &'static str,
    },
}

impl Cell {
    /// Creates a text cell. If the text has more than `max_chars` characters, creates an unusable
    /// cell with the first `max_chars` characters.
    pub(super) fn text(text: String, max_chars: usize) -> Self {
        match text.char_indices().nth(max_chars) {
            None => Self::Text(text.into()),
            Some((end, _)) => Self::Unusable {
                shown: text[..end].to_owned().into(),
                code: "TOO_LONG",
                message: "is too long for a cell; shorten it",
            },
        }
    }

    /// Creates an empty cell.
    pub(super) fn blank() -> Self {
        Self::Text(String::new().into())
    }

    /// Returns the first `max_chars` characters of `text`.
    pub(super) fn cut(text: &str, max_chars: usize) -> &str {
        text.char_indices()
            .nth(max_chars)
            .map_or(text, |(end, _)| &text[..end])
    }

    pub(super) fn unusable(
        shown: impl Into<String>,
        code: &'static str,
        message: &'static str,
    ) -> Self {
        Self::Unusable {
            shown: Personal::new(shown.into()),
            code,
            message,
        }
    }

    /// Returns the value to show in the report.
    pub(super) const fn shown(&self) -> &Personal<String> {
        match self {
            Self::Text(text) => text,
            Self::Unusable { shown, .. } => shown,
        }
    }

    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if trimmed(text.reveal()).is_empty())
    }
}

/// Kind of file from which a row was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// CSV. Rows have fields, and the marks that spreadsheet programs use (`'`, `=`) are part of
    /// the text.
    Csv,
    /// Workbook. Rows have cells, and cells may be missing.
    Workbook,
    /// Export of Laureate. The CSV marks have already been removed, so apostrophes and equals signs
    /// are literal.
    Export,
    /// List in a request body. Values are literal.
    Json,
}

/// One row of a file.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Row number, from 1, as spreadsheet programs show it.
    pub row: u32,
    pub cells: Vec<Cell>,
    pub origin: Origin,
    /// True if the row is hidden in the spreadsheet program.
    pub is_hidden: bool,
    /// Errors of the row as a whole. Errors of its cells are not included.
    pub faults: Vec<RowError>,
}
