//! Cells and rows, as read from any file format.

use super::row::RowError;
use crate::domain::{Personal, trimmed};

/// One cell of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Text(Personal<String>),
    /// Content that is invalid in any field. It is ignored in a column without a meaning.
    Unusable {
        shown: Personal<String>,
        code: &'static str,
        message: &'static str,
    },
}

impl Cell {
    /// Creates a text cell. A text of more than `max_chars` characters becomes an unusable cell,
    /// cut to that length.
    pub(super) fn text(text: String, max_chars: usize) -> Self {
        match text.char_indices().nth(max_chars) {
            None => Self::Text(text.into()),
            Some((end, _)) => Self::Unusable {
                shown: text[..end].to_owned().into(),
                code: "TOO_LONG",
                message: "is longer than a cell may be; shorten it",
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

    /// Returns the value for the report.
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

/// Kind of file that a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// CSV. Rows have fields, and the marks of spreadsheet programs (`'`, `=`) are part of the
    /// text.
    Csv,
    /// Workbook. Rows have cells, and cells may be absent.
    Workbook,
    /// Laureate's own export. The marks of CSV are already removed, so apostrophes and equals signs
    /// are literal.
    Export,
    /// List in a request body. Values are literal.
    Json,
}

/// One row of a file.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// 1-based, as the spreadsheet program shows it.
    pub row: u32,
    pub cells: Vec<Cell>,
    pub origin: Origin,
    /// True if the spreadsheet program hides the row.
    pub is_hidden: bool,
    /// Errors of the row as a whole, without those of its cells.
    pub faults: Vec<RowError>,
}
