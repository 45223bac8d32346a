//! CSV (RFC 4180, and what spreadsheet programs make of it), record by record.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::encoding::{self, END_OF_TEXT, Text};
use super::headers;
use super::row::{Cell, Record};
use super::{Limits, SheetError};

/// Most programs write the first; where the comma is the decimal sign, the second.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// A header row longer than this is not looked at further when the delimiter is guessed.
const HEADER_BYTES: u64 = 64 * 1024;
/// A record of more bytes than this is an unclosed quotation mark, not a person.
const RECORD_BYTES: usize = 4 << 20;

/// The records of a CSV file, header included, blank lines left out.
pub(super) struct DelimitedRows {
    reader: csv::Reader<Text<File>>,
    record: ByteRecord,
    row: u32,
    line: u64,
    limits: Limits,
    ended: bool,
}

/// Finds encoding and delimiter and stands before the header row.
pub(super) fn open(mut file: File, limits: Limits) -> Result<DelimitedRows, SheetError> {
    let encoding = encoding::detect(&file)?;
    file.rewind()?;
    let mut start = Vec::new();
    Text::new(&file, encoding).take(HEADER_BYTES).read_to_end(&mut start)?;
    file.rewind()?;

    let mut text = Text::new(file, encoding);
    let delimiter = match separator_line(&start) {
        Some((delimiter, length)) => {
            // Excel reads this line and does not show it, so it is no row.
            io::copy(&mut text.by_ref().take(length), &mut io::sink())?;
            delimiter
        }
        None => guess_delimiter(&start),
    };
    Ok(DelimitedRows {
        reader: builder(delimiter).from_reader(text),
        record: ByteRecord::new(),
        row: 0,
        line: 1,
        limits,
        ended: false,
    })
}

fn builder(delimiter: u8) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter).has_headers(false).flexible(true).terminator(Terminator::Any(b'\n'));
    builder
}

/// Excel's `sep=;` as the first line: the delimiter, and the line's length with its end.
fn separator_line(start: &[u8]) -> Option<(u8, u64)> {
    let line = start.split(|&byte| byte == b'\n').next()?;
    let (prefix, delimiter) = line.split_at_checked(4)?;
    match delimiter {
        [delimiter] if prefix.eq_ignore_ascii_case(b"sep=") && delimiter.is_ascii() && *delimiter != b'"' => {
            Some((*delimiter, line.len() as u64 + 1))
        }
        _ => None,
    }
}

/// The delimiter that makes the most headers we know out of the first row; else the most fields.
fn guess_delimiter(start: &[u8]) -> u8 {
    let score = |delimiter: u8| {
        let mut record = ByteRecord::new();
        // proof of the ignored result: reading a slice cannot fail, and a flexible reader takes any record.
        let _ = builder(delimiter).from_reader(start).read_byte_record(&mut record);
        let known =
            record.iter().filter(|field| headers::recognise(&String::from_utf8_lossy(field)).is_some());
        (known.count(), record.len())
    };
    // `max_by_key` takes the last of equals, and the comma is the one to prefer.
    DELIMITERS.into_iter().rev().max_by_key(|&delimiter| score(delimiter)).unwrap_or(b',')
}

impl DelimitedRows {
    fn read(&mut self) -> Result<Option<Record>, SheetError> {
        self.reader.get_mut().allow(RECORD_BYTES);
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(_) if self.reader.get_ref().is_exhausted() => {
                return Err(SheetError::UnclosedQuote { row: self.row + 1 });
            }
            Err(error) => return Err(SheetError::Io(error.into())),
        }
        if self.record.len() == 1 && self.record.as_slice() == END_OF_TEXT.as_bytes() {
            return Ok(None);
        }
        // Line ends inside fields are no rows of their own; blank lines are rows although the reader skips them.
        let line = self.reader.position().line();
        let inside = self.record.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
        let rows = (line - self.line).saturating_sub(inside);
        self.line = line;
        self.row = self.row.saturating_add(u32::try_from(rows).unwrap_or(u32::MAX));
        if self.reader.is_done() || self.record.as_slice().ends_with(END_OF_TEXT.as_bytes()) {
            return Err(SheetError::UnclosedQuote { row: self.row + 1 });
        }
        let cell = |field: &[u8]| {
            Cell::text(String::from_utf8_lossy(field).into_owned(), self.limits.max_cell_chars)
        };
        // Fields beyond the limit count only if something stands in them; they can be millions.
        let (most, mut fields) = (self.limits.max_columns + 1, self.record.iter());
        let mut cells: Vec<Cell> = fields.by_ref().take(most).map(cell).collect();
        cells.extend(fields.find(|field| !field.trim_ascii().is_empty()).map(cell));
        Ok(Some(Record { row: self.row, cells, counted: true, faults: Vec::new() }))
    }
}

impl Iterator for DelimitedRows {
    type Item = Result<Record, SheetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.read();
        self.ended = !matches!(record, Ok(Some(_)));
        record.transpose()
    }
}
