//! Row as written in the file, for reports and messages.

use std::fmt;
use std::sync::Arc;

use super::cell::Cell;
use super::error::printable;
use super::headers::{Column, letter};
use crate::domain::{Personal, trimmed};

/// Maximum size of a row in a report, in bytes.
const MAX_RAW_BYTES: usize = 16 << 10;

/// Row as written in the file, cell by cell, for the report to the uploader. Many rows are in
/// memory at the same time. So cells are truncated to [`super::Limits::max_cell_chars`], and the
/// row to 16 KiB in total.
#[derive(Clone, PartialEq, Eq)]
pub struct RawRow {
    head: Arc<Head>,
    values: Vec<Personal<String>>,
}

/// Data that all rows below the same header row share.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub headers: Arc<[String]>,
    /// Fields, each with the position of its column.
    pub columns: Vec<(Column, usize)>,
    /// Name of the sheet. `None` if the file is not a workbook.
    pub sheet: Option<Arc<str>>,
    /// Offset that is added to row numbers to make them unique in the file.
    pub rows_before: u32,
    /// Head of the rows before, in an earlier sheet.
    pub earlier: Option<Arc<Self>>,
    /// True if the rows come from a list in a request, which has fields instead of columns.
    pub is_list: bool,
}

impl Head {
    /// Returns the header of `field`. If a full name was joined from several columns, returns the
    /// header of the first name.
    pub(super) fn header(&self, field: &str) -> Option<&str> {
        let of = |name: &str| {
            self.columns
                .iter()
                .find(|(column, _)| column.name() == name)
        };
        let is_name = field == Column::FullName.name();
        let column = of(field).or_else(|| {
            if is_name {
                of(Column::FirstName.name())
            } else {
                None
            }
        });
        column
            .and_then(|(_, position)| self.headers.get(*position))
            .map(String::as_str)
    }

    /// Adds the names of the sheet and the column in front of `message`.
    fn with_place(&self, column: Option<&str>, message: &str) -> String {
        let sheet = self
            .sheet
            .as_deref()
            .map(|sheet| format!("sheet \"{}\"", printable(sheet)));
        let column = column
            .filter(|_| !self.is_list)
            .map(|header| format!("column \"{}\"", printable(header)));
        let place: Vec<String> = sheet.into_iter().chain(column).collect();
        if place.is_empty() {
            message.to_owned()
        } else {
            format!("{}: {message}", place.join(", "))
        }
    }
}

impl RawRow {
    /// Copies the cells of a row, truncated to 16 KiB in total.
    pub(super) fn of(head: Arc<Head>, cells: &[Cell]) -> Self {
        Self {
            head,
            values: as_written(cells),
        }
    }

    /// Returns the headers as written, from left to right. For a column without a header, returns
    /// its letter.
    #[must_use]
    pub fn headers(&self) -> &Arc<[String]> {
        &self.head.headers
    }

    /// Returns the name of the sheet. Returns `None` if the file is not a workbook.
    #[must_use]
    pub fn sheet(&self) -> Option<&str> {
        self.head.sheet.as_deref()
    }

    /// Converts a row number in the whole file to the row number in this sheet, as spreadsheet
    /// programs show it.
    #[must_use]
    pub fn shown_row(&self, row: u32) -> u32 {
        row.saturating_sub(self.head.rows_before)
    }

    /// Returns a description of an earlier row for a message about this row. `row` is the number of
    /// the earlier row in the whole file.
    #[must_use]
    pub fn named_row(&self, row: u32) -> String {
        let heads = std::iter::successors(Some(&self.head), |head| head.earlier.as_ref());
        for head in heads {
            match (row.checked_sub(head.rows_before), &head.sheet) {
                (Some(shown @ 1..), Some(sheet)) if !Arc::ptr_eq(head, &self.head) => {
                    return format!("row {shown} of sheet \"{}\"", printable(sheet));
                }
                (Some(shown @ 1..), _) => return format!("row {shown}"),
                (Some(0) | None, _) => {}
            }
        }
        "an earlier row".to_owned()
    }

    /// Returns the header of `field` as written in the file. If a full name was joined from several
    /// columns, returns the header of the first name.
    #[must_use]
    pub fn header_of(&self, field: &str) -> Option<&str> {
        self.head.header(field)
    }

    /// Returns the header of `field` if all cells of the field in this row are blank.
    #[must_use]
    pub fn blank_header_of(&self, field: &str) -> Option<&str> {
        let mut places = self
            .head
            .columns
            .iter()
            .filter(|(known, _)| known.name() == field);
        let is_blank = |place: usize| {
            self.values
                .get(place)
                .is_none_or(|value| trimmed(value.reveal_str()).is_empty())
        };
        places
            .all(|(_, place)| is_blank(*place))
            .then(|| self.header_of(field))?
    }

    /// Adds the names of the sheet and the column in front of a message. `column` is `None` for a
    /// message about the whole row.
    #[must_use]
    pub fn with_place(&self, column: Option<&str>, message: &str) -> String {
        self.head.with_place(column, message)
    }

    /// Returns the header and the value of each filled cell, from left to right. For a cell without
    /// a header, returns the letter of its column.
    pub fn pairs(&self) -> impl Iterator<Item = (String, &Personal<String>)> {
        let header = |position: usize| {
            self.head
                .headers
                .get(position)
                .cloned()
                .unwrap_or_else(|| letter(position))
        };
        let filled = self
            .values
            .iter()
            .enumerate()
            .filter(|(_, value)| !value.reveal().is_empty());
        filled.map(move |(position, value)| (header(position), value))
    }

    /// Returns the value of `column` as written. Returns `None` if the cell is blank.
    pub(super) fn value_of(&self, column: Column) -> Option<&Personal<String>> {
        let position = self
            .head
            .columns
            .iter()
            .find(|(known, _)| *known == column)?
            .1;
        self.values
            .get(position)
            .filter(|value| !value.reveal().trim().is_empty())
    }
}

impl fmt::Debug for RawRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawRow({} cells)", self.values.len())
    }
}

fn as_written(cells: &[Cell]) -> Vec<Personal<String>> {
    let mut left = MAX_RAW_BYTES;
    let cut = |cell: &Cell| {
        let text = cell.shown().reveal();
        let kept = &text[..text.floor_char_boundary(left.min(text.len()))];
        left -= kept.len();
        Personal::new(kept.to_owned())
    };
    cells.iter().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(sheet: &str, rows_before: u32, earlier: Option<Arc<Head>>) -> Arc<Head> {
        Arc::new(Head {
            headers: Arc::default(),
            columns: Vec::new(),
            sheet: Some(sheet.into()),
            rows_before,
            earlier,
            is_list: false,
        })
    }

    #[test]
    fn earlier_rows_are_named_as_the_spreadsheet_program_shows_them() {
        let first = head("Bogotá", 0, None);
        let second = head("Lima", 10, Some(first.clone()));
        let third = head("Quito", 15, Some(second));
        let of = |head: &Arc<Head>, row| RawRow::of(head.clone(), &[]).named_row(row);
        assert_eq!(of(&first, 2), "row 2");
        assert_eq!(of(&third, 17), "row 2");
        assert_eq!(of(&third, 15), "row 5 of sheet \"Lima\"");
        assert_eq!(of(&third, 10), "row 10 of sheet \"Bogotá\"");
    }
}
