//! Reader for stored files of all formats.

use std::any::Any;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::cell::{Cell, Origin, Record};
use super::encoding::EncodingSource;
use super::error::printable;
use super::export::formula;
use super::header_row::{self, Found};
use super::headers::{Column, HeaderMap};
use super::how_read::{HowRead, MAX_HIDDEN_ROWS, MAX_SHOWN_ROWS, SheetState, ShownRow};
use super::misread::Assumed;
use super::raw_row::Head;
use super::row::{self, SheetRow};
use super::{
    EXPORT_ID_COLUMN, Format, Limits, REPORT_COLUMNS, SheetError, delimited, json_lines, workbook,
};
use crate::domain::Personal;
use crate::domain::certification::person::order::NameOrder;
use crate::domain::certification::reading::Reading;

/// Maximum number of digits of a row counter. Longer numbers are data.
const MAX_COUNTER_DIGITS: usize = 6;

/// Item of a source, in file order.
pub(super) enum Piece {
    /// Header row of the file, or header row of a sheet with the name of the sheet.
    Head(Found, Option<Arc<str>>),
    /// Row below the header row.
    Row(Record),
    /// Sheets of a workbook. This item follows all of their rows.
    Sheets(Vec<SheetState>),
}

type Pieces = Box<dyn Iterator<Item = Result<Piece, SheetError>> + Send>;

/// Iterator over the rows of a file, in order. An `Err` is the last item; the rest of the file is
/// then not read.
pub struct SheetReader {
    map: HeaderMap,
    head: Arc<Head>,
    pieces: Pieces,
    limits: Limits,
    reading: Reading,
    /// Encoding that was assumed for a text file. Names are checked with it.
    assumed: Option<Assumed>,
    how: HowRead,
    /// Number of the last row. Row numbers are unique across all sheets.
    last_row: u32,
    filled: u32,
    ended: bool,
    /// Guard that is dropped together with this reader.
    held: Option<Box<dyn Any + Send>>,
}

/// Opens a file in a format that [`super::sniff()`] has detected, and reads its header row. Blocks
/// on disk I/O.
///
/// # Errors
/// Fails if the file can't be read, is empty, exceeds `limits`, or has no header row with all
/// required columns.
pub fn open(
    path: &Path,
    format: Format,
    limits: Limits,
    reading: &Reading,
) -> Result<SheetReader, SheetError> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size == 0 {
        return Err(SheetError::Empty);
    }
    if size > limits.max_bytes {
        return Err(SheetError::TooLarge {
            limit: limits.max_bytes,
        });
    }
    let (mut pieces, assumed): (Pieces, _) = match format {
        Format::Csv => {
            let (pieces, assumed) = csv(file, limits, reading)?;
            (pieces, Some(assumed))
        }
        Format::Xlsx | Format::Xls => {
            let kind = if format == Format::Xls {
                workbook::Kind::Xls
            } else {
                workbook::Kind::Xlsx
            };
            (Box::new(workbook::open(file, kind, limits, reading)?), None)
        }
        Format::Json => {
            let (map, records) = json_lines::open(file, limits)?;
            let head = Piece::Head(
                Found {
                    map,
                    row: 0,
                    hidden_columns: Vec::new(),
                },
                None,
            );
            (
                Box::new(
                    std::iter::once(Ok(head)).chain(records.map(|record| record.map(Piece::Row))),
                ),
                None,
            )
        }
    };
    let (found, sheet) = match pieces.next() {
        Some(Ok(Piece::Head(found, sheet))) => (found, sheet),
        Some(Err(error)) => return Err(error),
        // Every source begins with a header row.
        Some(Ok(_)) | None => return Err(SheetError::Empty),
    };
    let mut how = HowRead {
        encoding: assumed.as_ref().map(Assumed::label_and_source),
        header_row: found.row,
        columns: columns(&found.map),
        ..HowRead::default()
    };
    how.hidden.are_read = reading.hidden_rows;
    how.hide_columns(sheet.as_deref(), hidden_headers(&found));
    let head = Head {
        is_list: format == Format::Json,
        ..head(&found.map, sheet, 0)
    };
    let head = Arc::new(head);
    let map = found.map;
    let reading = reading.clone();
    Ok(SheetReader {
        map,
        head,
        pieces,
        limits,
        reading,
        assumed,
        how,
        last_row: 0,
        filled: 0,
        ended: false,
        held: None,
    })
}

fn csv(file: File, limits: Limits, reading: &Reading) -> Result<(Pieces, Assumed), SheetError> {
    let (mut records, dialect) = delimited::open(file, limits, reading)?;
    let assumed = Assumed::of(dialect);
    let found = match header_row::find(&mut records, &limits, reading) {
        Ok(found) => found.ok_or(SheetError::Empty)?,
        Err(error) => return Err(assumed.header_not_found(error, &limits, reading)),
    };
    let has = |own: &[&str]| {
        found
            .map
            .headers
            .iter()
            .any(|header| own.contains(&header.as_str()))
    };
    let is_report = has(&REPORT_COLUMNS);
    let is_export = has(&[EXPORT_ID_COLUMN]);
    let row = move |record: Record| {
        let record = if is_report || is_export {
            restored(record)
        } else {
            record
        };
        // An export has the values exactly as they are stored.
        let origin = if is_export {
            Origin::Export
        } else {
            record.origin
        };
        Piece::Row(Record { origin, ..record })
    };
    let rows = records.map(move |record| record.map(row));
    Ok((
        Box::new(std::iter::once(Ok(Piece::Head(found, None))).chain(rows)),
        assumed,
    ))
}

/// Removes the apostrophes that neutralise formulas from a row of a report or export of Laureate.
fn restored(mut record: Record) -> Record {
    for cell in &mut record.cells {
        if let Cell::Text(text) = cell {
            let original = formula::restored(text.reveal_str()).into_owned();
            *text = Personal::new(original);
        }
    }
    record
}

fn head(map: &HeaderMap, sheet: Option<Arc<str>>, rows_before: u32) -> Head {
    let columns = map.columns.iter().chain(&map.twins).copied().collect();
    Head {
        headers: map.headers.clone().into(),
        columns,
        sheet,
        rows_before,
        earlier: None,
        is_list: false,
    }
}

/// Returns the headers of hidden columns.
fn hidden_headers(found: &Found) -> impl Iterator<Item = &String> {
    found
        .hidden_columns
        .iter()
        .filter_map(|position| found.map.headers.get(*position))
}

/// Returns the headers, each with the field that is read from its column.
fn columns(map: &HeaderMap) -> Vec<(String, Option<&'static str>)> {
    let field = |position: usize| {
        let mut all = map.columns.iter().chain(&map.twins);
        let field = all
            .find(|(_, known)| *known == position)
            .map(|(column, _)| column.name());
        field.or_else(|| (map.plain_name == Some(position)).then_some(Column::FullName.name()))
    };
    map.headers
        .iter()
        .enumerate()
        .map(|(position, header)| (header.clone(), field(position)))
        .collect()
}

impl SheetReader {
    /// Keeps `guard`, such as a semaphore permit, until the reader is dropped.
    #[must_use]
    pub fn holding(self, guard: impl Any + Send) -> Self {
        Self {
            held: Some(Box::new(guard)),
            ..self
        }
    }

    /// Returns the headers as written, from left to right. For a column without a header, returns
    /// its letter.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        &self.head.headers
    }

    /// Returns the recognised columns with their headers, from left to right.
    pub fn columns(&self) -> impl Iterator<Item = (Column, &str)> {
        self.map
            .columns
            .iter()
            .map(|(column, position)| (*column, self.head.headers[*position].as_str()))
    }

    /// Rejects a sheet without a column for the document number, if `requires_document` is true.
    ///
    /// # Errors
    /// Returns [`SheetError::MissingColumns`] if the column is missing.
    pub fn with_document_column(self, requires_document: bool) -> Result<Self, SheetError> {
        if requires_document && self.map.position(Column::DocumentNumber).is_none() {
            let missing = self.map.missing(vec![Column::DocumentNumber.name()]);
            let error = header_row::numbered(missing, self.how.header_row);
            return Err(match &self.assumed {
                Some(assumed) => assumed.header_not_found(error, &self.limits, &self.reading),
                None => error.in_sheet(self.head.sheet.as_deref()),
            });
        }
        Ok(self)
    }

    /// Reads the remaining rows. Returns the number of filled rows and the report about the
    /// interpretation of the file. Only the few rows that the report shows are parsed, so errors of
    /// the file as a whole are found quickly.
    ///
    /// # Errors
    /// Fails if the file can't be read to its end, or if it exceeds the limits.
    pub fn read_through(mut self) -> Result<(u32, HowRead), SheetError> {
        let is_guessed = self
            .how
            .encoding
            .is_some_and(|(_, source)| source == EncodingSource::Guessed);
        let mut order = CountedOrder::default();
        while let Some(record) = self.next_filled().transpose()? {
            order.count(&self.map, &self.head, &record);
            let is_first = self.how.first_rows.len() < MAX_SHOWN_ROWS;
            let is_telling = is_guessed
                && self.how.guessed_names.len() < MAX_SHOWN_ROWS
                && names(&self.map, &record).any(|(_, name)| !name.is_ascii());
            if is_first || is_telling {
                let shown = ShownRow::of(&row::read(record, &self.map, &self.head));
                if is_telling {
                    self.how.guessed_names.push(shown.clone());
                }
                if is_first {
                    self.how.first_rows.push(shown);
                }
            }
        }
        match order.error() {
            Some(error) => Err(error),
            None => Ok((self.filled, self.how)),
        }
    }

    /// Returns the next row for which `is_left_out` returns false.
    fn next_filled(&mut self) -> Option<Result<Record, SheetError>> {
        loop {
            let mut record = match self.pieces.next()? {
                Ok(Piece::Row(record)) => record,
                Ok(Piece::Head(found, sheet)) => {
                    self.how
                        .hide_columns(sheet.as_deref(), hidden_headers(&found));
                    self.head = Arc::new(Head {
                        earlier: Some(self.head.clone()),
                        ..head(&found.map, sheet, self.last_row)
                    });
                    self.map = found.map;
                    continue;
                }
                Ok(Piece::Sheets(sheets)) => {
                    self.how.sheets = sheets;
                    continue;
                }
                Err(error) => return Some(Err(error)),
            };
            if record.origin != Origin::Json && self.is_left_out(&record) {
                continue;
            }
            if record.origin == Origin::Workbook
                && self.map.headers.iter().any(|own| own == EXPORT_ID_COLUMN)
            {
                record.origin = Origin::Export;
            }
            if self.filled == self.limits.max_rows {
                return Some(Err(SheetError::TooManyRows {
                    limit: self.limits.max_rows,
                }));
            }
            self.filled += 1;
            self.last_row = record.row.saturating_add(self.head.rows_before);
            let checked = self
                .map
                .check(&record)
                .and_then(|()| self.check_names(&record));
            return Some(
                checked
                    .map(|()| record)
                    .map_err(|error| error.in_sheet(self.head.sheet.as_deref())),
            );
        }
    }

    /// Returns true if the row is skipped: if it is blank, if it has nothing but a counter and
    /// empty check boxes, or if it is hidden and hidden rows are not read. Rows with only a counter
    /// and check boxes are counted, and hidden rows too, even if they are read.
    fn is_left_out(&mut self, record: &Record) -> bool {
        if record.cells.iter().all(Cell::is_blank) {
            return true;
        }
        if is_unused(&self.map, record) {
            self.how.blank_rows = self.how.blank_rows.saturating_add(1);
            return true;
        }
        if !record.is_hidden {
            return false;
        }
        let hidden = &mut self.how.hidden;
        hidden.count = hidden.count.saturating_add(1);
        if hidden.rows.len() < MAX_HIDDEN_ROWS {
            hidden
                .rows
                .push((self.head.sheet.as_deref().map(str::to_owned), record.row));
        }
        !self.reading.hidden_rows
    }

    /// Rejects the file if a name in it can't be correct in the assumed encoding.
    fn check_names(&self, record: &Record) -> Result<(), SheetError> {
        let Some(assumed) = &self.assumed else {
            return Ok(());
        };
        for (position, name) in names(&self.map, record) {
            assumed.check(name, record.row, || {
                self.head.headers.get(position).cloned().unwrap_or_default()
            })?;
        }
        Ok(())
    }
}

/// Number of full names that have the surname first although their header doesn't say so.
#[derive(Default)]
struct CountedOrder {
    names: u32,
    surname_first: u32,
    /// Error for the first of these names.
    first: Option<SheetError>,
}

impl CountedOrder {
    fn count(&mut self, map: &HeaderMap, head: &Head, record: &Record) {
        if !matches!(record.origin, Origin::Csv | Origin::Workbook) {
            return;
        }
        let text = |position: &usize| match record.cells.get(*position) {
            Some(Cell::Text(text)) if !text.reveal().trim().is_empty() => Some(text.reveal_str()),
            _ => None,
        };
        let filled = map
            .positions(Column::FullName)
            .find_map(|position| Some((position, text(&position)?)));
        let Some((position, name)) = filled else {
            return;
        };
        // A name in brackets, or pronouns, may have a comma.
        let is_bracketed = map.bracketed.contains(&position) && name.contains('(');
        if is_bracketed || map.surname_first.contains(&position) {
            return;
        }
        self.names = self.names.saturating_add(1);
        if !matches!(NameOrder::of(name), NameOrder::SurnameFirst(_)) {
            return;
        }
        self.surname_first = self.surname_first.saturating_add(1);
        self.first.get_or_insert_with(|| {
            let column = printable(head.headers.get(position).map_or("", String::as_str));
            SheetError::SurnameFirst {
                column,
                row: record.row,
            }
            .in_sheet(head.sheet.as_deref())
        });
    }

    /// Returns the error if most names have the surname first.
    fn error(self) -> Option<SheetError> {
        self.first.filter(|_| self.surname_first > self.names / 2)
    }
}

/// Returns the parts of the name in a row, each with its column.
fn names<'r>(map: &'r HeaderMap, record: &'r Record) -> impl Iterator<Item = (usize, &'r str)> {
    let named = map.columns.iter().filter(|(column, _)| column.is_name());
    named.filter_map(|(_, position)| match record.cells.get(*position)? {
        Cell::Text(text) => Some((*position, text.reveal_str())),
        Cell::Unusable { .. } => None,
    })
}

/// Returns true for an unused row of a prepared list. Its fields are blank, and its other cells
/// have at most a counter and empty check boxes.
fn is_unused(map: &HeaderMap, record: &Record) -> bool {
    let is_empty = |text: &str| {
        let text = text.trim().trim_end_matches(['.', ')']).to_lowercase();
        (text.len() <= MAX_COUNTER_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()))
            || matches!(
                text.as_str(),
                "false" | "falso" | "falsch" | "faux" | "no" | "n" | "☐" | "[ ]" | "[]" | "-"
            )
    };
    record.cells.iter().enumerate().all(|(position, cell)| {
        cell.is_blank() || (!map.is_read(position) && is_empty(cell.shown().reveal_str()))
    })
}

impl Iterator for SheetReader {
    type Item = Result<SheetRow, SheetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.next_filled();
        self.ended = !matches!(record, Some(Ok(_)));
        record.map(|record| record.map(|record| row::read(record, &self.map, &self.head)))
    }
}

impl fmt::Debug for SheetReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SheetReader")
            .field("filled", &self.filled)
            .field("ended", &self.ended)
            .field("held", &self.held.is_some())
            .finish_non_exhaustive()
    }
}
