//! From a stored file to rows: one way in for both formats.

use std::any::Any;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::export::formula;
use super::headers::{self, Column, HeaderMap};
use super::row::{self, Cell, Record, SheetRow};
use super::{EXPORT_ID_COLUMN, Format, Limits, REPORT_COLUMNS, SheetError, delimited, json_lines, workbook};
use crate::domain::Personal;

/// The rows of a sheet, in order. An `Err` is the last item: the file broke there.
pub struct SheetReader {
    map: HeaderMap,
    headers: Arc<[String]>,
    records: Box<dyn Iterator<Item = Result<Record, SheetError>> + Send>,
    limits: Limits,
    /// Whether a row with nothing in it is one: in a list somebody wrote it on purpose.
    counts_blank: bool,
    filled: u32,
    ended: bool,
    /// Dropped together with this reader.
    held: Option<Box<dyn Any + Send>>,
}

/// Opens a file whose format [`super::sniff()`] told, and reads its header row. Blocks on the disk.
pub fn open(path: &Path, format: Format, limits: Limits) -> Result<SheetReader, SheetError> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size == 0 {
        return Err(SheetError::Empty);
    }
    if size > limits.max_bytes {
        return Err(SheetError::TooLarge { limit: limits.max_bytes });
    }
    let (map, records): (_, Box<dyn Iterator<Item = _> + Send>) = match format {
        Format::Csv => {
            let mut records = delimited::open(file, limits)?;
            let map = csv_header(&mut records, &limits)?;
            if map.headers.iter().any(|header| is_own(header)) {
                (map, Box::new(records.map(|record| record.map(restored))))
            } else {
                (map, Box::new(records))
            }
        }
        Format::Xlsx | Format::Xls => {
            let kind = if format == Format::Xls { workbook::Kind::Xls } else { workbook::Kind::Xlsx };
            let (map, records) = workbook::open(file, kind, limits)?;
            (map, Box::new(records))
        }
        Format::Json => {
            let (map, records) = json_lines::open(file, limits)?;
            (map, Box::new(records))
        }
    };
    let headers = map.headers.clone().into();
    let counts_blank = format == Format::Json;
    Ok(SheetReader { map, headers, records, limits, counts_blank, filled: 0, ended: false, held: None })
}

/// Returns true for a header that only our own reports and exports have.
fn is_own(header: &str) -> bool {
    header == EXPORT_ID_COLUMN || REPORT_COLUMNS.contains(&header)
}

/// A row of our own report or export, without the apostrophes that made its formulas harmless.
fn restored(mut record: Record) -> Record {
    for cell in &mut record.cells {
        if let Cell::Text(text) = cell {
            let original = formula::restored(text.reveal_str()).into_owned();
            *text = Personal::new(original);
        }
    }
    record
}

/// The first row with anything in it.
fn csv_header(
    records: &mut impl Iterator<Item = Result<Record, SheetError>>,
    limits: &Limits,
) -> Result<HeaderMap, SheetError> {
    for record in records {
        let record = record?;
        let Some(last) = record.cells.iter().rposition(|cell| !cell.is_blank()) else { continue };
        if last >= limits.max_columns {
            let (row, column) = (record.row, last as u64 + 1);
            return Err(SheetError::TooManyColumns { row, column, limit: limits.max_columns });
        }
        let cells: Vec<String> = record.cells.iter().map(|cell| cell.shown().reveal().clone()).collect();
        return headers::map(&cells);
    }
    Err(SheetError::Empty)
}

impl SheetReader {
    /// Keeps `guard`, such as the permission to read, until the reader is dropped.
    #[must_use]
    pub fn holding(self, guard: impl Any + Send) -> Self {
        Self { held: Some(Box::new(guard)), ..self }
    }

    /// The headers as written, left to right; a column without one has its letter.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The columns that were understood, with their headers, left to right.
    pub fn columns(&self) -> impl Iterator<Item = (Column, &str)> {
        self.map.columns.iter().map(|(column, position)| (*column, self.headers[*position].as_str()))
    }

    /// Rejects a sheet without a column for the document number where documents are required.
    ///
    /// # Errors
    /// [`SheetError::MissingColumns`].
    pub fn with_document_column(self, requires_document: bool) -> Result<Self, SheetError> {
        if requires_document && self.map.position(Column::DocumentNumber).is_none() {
            return Err(self.map.missing(vec![Column::DocumentNumber.name()]));
        }
        Ok(self)
    }

    /// Reads the rest without looking at people, and tells how many filled rows it has: the quick way to
    /// find what is wrong with a file as a whole.
    ///
    /// # Errors
    /// The file can't be read to its end, or has more than the limits allow.
    pub fn count_rows(mut self) -> Result<u32, SheetError> {
        while self.next_filled().transpose()?.is_some() {}
        Ok(self.filled)
    }

    /// The next row with anything in it.
    fn next_filled(&mut self) -> Option<Result<Record, SheetError>> {
        loop {
            let record = match self.records.next()? {
                Ok(record) => record,
                Err(error) => return Some(Err(error)),
            };
            if !self.counts_blank && record.cells.iter().all(Cell::is_blank) {
                continue;
            }
            if self.filled == self.limits.max_rows {
                return Some(Err(SheetError::TooManyRows { limit: self.limits.max_rows }));
            }
            self.filled += 1;
            return Some(self.map.check(&record).map(|()| record));
        }
    }
}

impl Iterator for SheetReader {
    type Item = Result<SheetRow, SheetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.next_filled();
        self.ended = !matches!(record, Some(Ok(_)));
        record.map(|record| record.map(|record| row::read(record, &self.map, &self.headers)))
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
