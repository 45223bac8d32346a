//! Detection of a sheet's header row: the first row that has all required columns. Rows of titles
//! may precede it.

use super::cell::{Cell, Record};
use super::headers::{self, HeaderMap, recognise};
use super::{Limits, SheetError};
use crate::domain::certification::reading::Reading;

/// Number of filled rows that are searched.
const MAX_ROWS: usize = 200;

/// A header row.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub map: HeaderMap,
    /// 1-based, as the spreadsheet program shows it.
    pub row: u32,
    /// Positions of columns that the spreadsheet program hides.
    pub hidden_columns: Vec<usize>,
}

/// Reads up to and including the header row. Returns `None` if there is no filled row.
///
/// # Errors
/// Fails if no row has all required columns, with the error of the row that has the most known
/// headers. Also fails if a row has too many columns, or if the header row that the uploader chose
/// is blank.
pub(super) fn find(
    records: &mut dyn Iterator<Item = Result<Record, SheetError>>,
    limits: &Limits,
    reading: &Reading,
) -> Result<Option<Found>, SheetError> {
    // Number of known headers and error of the row with the most known headers. The error has a row
    // number only if a header is known.
    let mut best: Option<(usize, SheetError)> = None;
    let mut looked_at = 0;
    for record in records {
        let record = record?;
        let Some(last) = record.cells.iter().rposition(|cell| !cell.is_blank()) else {
            continue;
        };
        match reading.header_row {
            Some(row) if record.row < row => continue,
            Some(row) if record.row > row => return Err(SheetError::NoHeaderRow { row }),
            _ => {}
        }
        let row = record.row;
        if last >= limits.max_columns {
            return Err(SheetError::TooManyColumns {
                row,
                column: last as u64 + 1,
                limit: limits.max_columns,
            });
        }
        let cells = texts(&record.cells);
        let error = match headers::map(&cells, reading) {
            Ok(map) => {
                return Ok(Some(Found {
                    map,
                    row,
                    hidden_columns: Vec::new(),
                }));
            }
            Err(error) => error,
        };
        if reading.header_row.is_some() {
            return Err(numbered(error, row));
        }
        let known = cells
            .iter()
            .filter(|cell| recognise(cell).is_some())
            .count();
        let error = if known > 0 {
            numbered(error, row)
        } else {
            error
        };
        if best.as_ref().is_none_or(|(most, _)| known > *most) {
            best = Some((known, error));
        }
        looked_at += 1;
        if looked_at == MAX_ROWS {
            break;
        }
    }
    match (best, reading.header_row) {
        (Some((_, error)), _) => Err(error),
        (None, Some(row)) => Err(SheetError::NoHeaderRow { row }),
        (None, None) => Ok(None),
    }
}

/// Returns the texts of a header row, without surrounding quotation marks left by programs.
fn texts(cells: &[Cell]) -> Vec<String> {
    let text = |cell: &Cell| super::quotes::without_padding(cell.shown().reveal()).to_owned();
    cells.iter().map(text).collect()
}

/// Adds the row number to an error about missing columns.
pub(super) fn numbered(error: SheetError, row: u32) -> SheetError {
    match error {
        SheetError::MissingColumns {
            missing,
            recognised,
            found,
            misread,
            ..
        } => SheetError::MissingColumns {
            missing,
            recognised,
            found,
            row,
            misread,
        },
        other => other,
    }
}
