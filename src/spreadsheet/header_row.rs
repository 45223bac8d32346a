//! The header row of a sheet: the first of its rows that has all columns, below titles or not.

use super::cell::{Cell, Record};
use super::headers::{self, HeaderMap, recognise};
use super::{Limits, SheetError};
use crate::domain::certification::reading::Reading;

/// Filled rows that are looked through.
const MAX_ROWS: usize = 200;

/// A header row.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub map: HeaderMap,
    /// 1-based, as the spreadsheet program shows it.
    pub row: u32,
    /// Positions of columns that the program doesn't show.
    pub hidden_columns: Vec<usize>,
}

/// Reads up to the header row; `None` where there is no filled row.
///
/// # Errors
/// No row has all columns. The error is that of the row that looks most like a header row.
pub(super) fn find(
    records: &mut dyn Iterator<Item = Result<Record, SheetError>>,
    limits: &Limits,
    reading: &Reading,
) -> Result<Option<Found>, SheetError> {
    // Without any known header, no row looks like the header row.
    let mut best: Option<(usize, SheetError)> = None;
    let mut looked_at = 0;
    for record in records {
        let record = record?;
        let Some(last) = record.cells.iter().rposition(|cell| !cell.is_blank()) else { continue };
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
            Ok(map) => return Ok(Some(Found { map, row, hidden_columns: Vec::new() })),
            Err(error) => error,
        };
        if reading.header_row.is_some() {
            return Err(numbered(error, row));
        }
        let known = cells.iter().filter(|cell| recognise(cell).is_some()).count();
        let error = if known > 0 { numbered(error, row) } else { error };
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

/// The texts of a header row, without the quotation marks that programs leave around them.
fn texts(cells: &[Cell]) -> Vec<String> {
    let text = |cell: &Cell| super::quotes::without_padding(cell.shown().reveal()).to_owned();
    cells.iter().map(text).collect()
}

/// Adds the row's number to the error about a header row.
pub(super) fn numbered(error: SheetError, row: u32) -> SheetError {
    match error {
        SheetError::MissingColumns { missing, recognised, found, misread, .. } => {
            SheetError::MissingColumns { missing, recognised, found, row, misread }
        }
        other => other,
    }
}
