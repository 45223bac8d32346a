//! Cells and rows as a source reads them.

use super::row::RowError;
use crate::domain::{Personal, trimmed};

/// One cell as a source read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Text(Personal<String>),
    /// Something that no field can take; harmless in a column that means nothing.
    Unusable {
        shown: Personal<String>,
        code: &'static str,
        message: &'static str,
    },
}

impl Cell {
    /// Text, or an unusable cell showing the beginning of one that is too long.
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

    /// A cell that nothing was written into.
    pub(super) fn blank() -> Self {
        Self::Text(String::new().into())
    }

    /// The beginning of a text, of at most so many characters.
    pub(super) fn cut(text: &str, max_chars: usize) -> &str {
        text.char_indices().nth(max_chars).map_or(text, |(end, _)| &text[..end])
    }

    pub(super) fn unusable(shown: impl Into<String>, code: &'static str, message: &'static str) -> Self {
        Self::Unusable { shown: Personal::new(shown.into()), code, message }
    }

    /// The value as the report shows it.
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
    /// Text: rows have fields, and marks of spreadsheet programs are text.
    Csv,
    /// A workbook: rows have cells, of which some may be absent.
    Workbook,
    /// Our own export as CSV, its marks taken away: no apostrophe or equals sign is one.
    Export,
    /// A list in a request: values are as they are.
    Json,
}

/// One row as a source read it.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// 1-based, as the spreadsheet program shows it.
    pub row: u32,
    pub cells: Vec<Cell>,
    pub origin: Origin,
    /// True for a row that the program doesn't show.
    pub is_hidden: bool,
    /// Faults of the row besides those of its cells.
    pub faults: Vec<RowError>,
}
