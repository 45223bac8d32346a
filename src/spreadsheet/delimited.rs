//! Streaming reader for CSV (RFC 4180 and the variants that spreadsheet programs write).

use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::cell::{Cell, Origin, Record};
use super::charset::Charset;
use super::encoding::{self, END_OF_TEXT, EncodingSource, Text};
use super::headers::{key, recognise};
use super::quotes;
use super::{Limits, SheetError};
use crate::domain::certification::reading::Reading;

/// Supported delimiters. Most programs write a comma. They write a semicolon if the decimal
/// separator is a comma.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Number of bytes at the beginning of the file from which the delimiter is guessed.
const START_BYTES: u64 = 64 * 1024;
/// Number of rows at the beginning of the file that are searched for known headers.
const START_ROWS: usize = 200;
/// Number of rows at the beginning of the file that are decoded with another encoding, as a sample.
const SAMPLE_ROWS: usize = 100;
/// Maximum size of a record in bytes. A longer record usually has an unclosed quotation mark.
const RECORD_BYTES: usize = 4 << 20;
/// Maximum row number. The limit leaves room for the larger row numbers that the second and later
/// sheets of a workbook get.
const LAST_LINE: u32 = u32::MAX / 2;

/// Iterator over the records of a CSV file. The header is included, blank lines are skipped.
pub(super) struct DelimitedRows {
    reader: csv::Reader<Text<File>>,
    record: ByteRecord,
    row: u32,
    line: u64,
    delimiter: u8,
    /// True if a space may precede an opening quotation mark.
    is_padded: bool,
    limits: Limits,
    ended: bool,
}

/// Encoding of a CSV file, and the bytes at the beginning of the file.
pub(super) struct Dialect {
    pub charset: Charset,
    pub source: EncodingSource,
    /// First bytes of the file.
    pub start: Vec<u8>,
}

/// Detects the encoding and the delimiter. Returns a reader that is positioned before the first
/// row.
pub(super) fn open(
    mut file: File,
    limits: Limits,
    reading: &Reading,
) -> Result<(DelimitedRows, Dialect), SheetError> {
    let (charset, source) = match &reading.encoding {
        Some(label) => (
            Charset::of_label(label).ok_or(SheetError::Encoding)?,
            EncodingSource::Given,
        ),
        None => encoding::detect(&file)?,
    };
    file.rewind()?;
    let mut raw = Vec::new();
    (&file).take(START_BYTES).read_to_end(&mut raw)?;
    let start = decoded(&raw, charset)?;
    file.rewind()?;

    let mut text = Text::new(file, charset);
    let separator = separator_line(&start);
    if let Some(separator) = &separator {
        // Excel interprets this line and doesn't show it, so it is not a row.
        io::copy(
            &mut text.by_ref().take(separator.length as u64),
            &mut io::sink(),
        )?;
    }
    let rest = separator.as_ref().map_or(&start[..], |separator| {
        start.get(separator.length..).unwrap_or_default()
    });
    let delimiter = match &separator {
        Some(separator) if known_headers(rest, separator.delimiter, reading) > 0 => {
            separator.delimiter
        }
        _ => guess_delimiter(rest, reading),
    };
    let is_row = separator.is_some_and(|separator| separator.is_row);
    let rows = DelimitedRows {
        reader: builder(delimiter, has_backslashes(rest, delimiter)).from_reader(text),
        record: ByteRecord::new(),
        row: u32::from(is_row),
        line: 1,
        delimiter,
        is_padded: is_padded(rest, delimiter),
        limits,
        ended: false,
    };
    Ok((
        rows,
        Dialect {
            charset,
            source,
            start: raw,
        },
    ))
}

/// Decodes the beginning of a file with another encoding and parses its rows.
pub(super) fn first_rows(
    start: &[u8],
    charset: Charset,
    reading: &Reading,
    limits: &Limits,
) -> Vec<Record> {
    let Ok(text) = decoded(start, charset) else {
        return Vec::new();
    };
    let length = separator_line(&text).map_or(0, |separator| separator.length);
    let rest = text.get(length..).unwrap_or_default();
    let delimiter = guess_delimiter(rest, reading);
    let mut reader = builder(delimiter, has_backslashes(rest, delimiter)).from_reader(rest);
    let records = reader
        .byte_records()
        .map_while(Result::ok)
        .take(SAMPLE_ROWS);
    let cell = |field: &[u8]| {
        Cell::text(
            String::from_utf8_lossy(field).into_owned(),
            limits.max_cell_chars,
        )
    };
    let rows = records.zip(1_u32..).map(|(record, row)| Record {
        row,
        cells: record.iter().map(cell).collect(),
        origin: Origin::Csv,
        is_hidden: false,
        faults: Vec::new(),
    });
    rows.collect()
}

fn decoded(start: &[u8], charset: Charset) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Text::new(start, charset).read_to_end(&mut text)?;
    let end = text.len().saturating_sub(END_OF_TEXT.len() + 1);
    text.truncate(end);
    Ok(text)
}

fn builder(delimiter: u8, has_backslashes: bool) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .terminator(Terminator::Any(b'\n'));
    builder.escape(has_backslashes.then_some(b'\\'));
    builder
}

/// Returns true if the file escapes quotation marks as `\"`. That is so if it has a `\"` that
/// doesn't end a field and doesn't precede another quotation mark.
fn has_backslashes(start: &[u8], delimiter: u8) -> bool {
    let is_escape = |three: &[u8]| {
        three.starts_with(b"\\\"")
            && three[2] != delimiter
            && !matches!(three[2], b'\n' | b'\r' | b'"')
    };
    start.windows(3).any(is_escape)
}

/// Returns true if a field begins with a space and a single quotation mark. In a quoted field, the
/// quotation mark would be doubled.
fn is_padded(start: &[u8], delimiter: u8) -> bool {
    let is_opening = |four: &[u8]| {
        (four[0] == b'\n' || four[0] == delimiter)
            && four[1] == b' '
            && four[2] == b'"'
            && four[3] != b'"'
    };
    start.windows(4).any(is_opening) || (start.starts_with(b" \"") && start.get(2) != Some(&b'"'))
}

/// Excel's `sep=;` line at the beginning of a file.
struct Separator {
    delimiter: u8,
    /// Size of the line in bytes, including its line break.
    length: usize,
    /// True if a program has saved the line as an ordinary row. It then shows the line as row 1.
    is_row: bool,
}

/// Parses Excel's `sep=;` line. It may be plain, in quotation marks, or saved as a row with blank
/// cells after it.
fn separator_line(start: &[u8]) -> Option<Separator> {
    let line = start.split(|&byte| byte == b'\n').next()?;
    let length = line.len() + 1;
    let (prefix, rest) = line
        .strip_prefix(b"\"")
        .unwrap_or(line)
        .split_at_checked(4)?;
    let (&delimiter, behind) = rest.split_first()?;
    if !prefix.eq_ignore_ascii_case(b"sep=") || !delimiter.is_ascii() || delimiter == b'"' {
        return None;
    }
    let behind = behind.strip_prefix(b"\"").unwrap_or(behind);
    let is_row = !behind.is_empty();
    let is_blank = behind
        .iter()
        .all(|byte| DELIMITERS.contains(byte) || matches!(byte, b' ' | b'"'));
    is_blank.then_some(Separator {
        delimiter,
        length,
        is_row,
    })
}

/// Returns the delimiter with which one of the first rows has the most known headers. If several
/// delimiters have the same number, the number of fields in the first row decides.
fn guess_delimiter(start: &[u8], reading: &Reading) -> u8 {
    let score = |delimiter: u8| {
        let fields = first_records(start, delimiter)
            .map(|record| record.len())
            .next()
            .unwrap_or(0);
        (known_headers(start, delimiter, reading), fields)
    };
    // `max_by_key` returns the last of equal items, and the comma is preferred.
    DELIMITERS
        .into_iter()
        .rev()
        .max_by_key(|&delimiter| score(delimiter))
        .unwrap_or(b',')
}

fn first_records(start: &[u8], delimiter: u8) -> impl Iterator<Item = ByteRecord> {
    let reader = builder(delimiter, has_backslashes(start, delimiter)).from_reader(start);
    // Reading a slice can't fail, and a flexible reader accepts any record.
    reader
        .into_byte_records()
        .map_while(Result::ok)
        .take(START_ROWS)
}

/// Returns the largest number of known headers that one of the first rows has.
fn known_headers(start: &[u8], delimiter: u8, reading: &Reading) -> usize {
    let mapped: Vec<String> = reading.mapping.keys().map(|header| key(header)).collect();
    let is_known = |field: &&[u8]| {
        let field = String::from_utf8_lossy(field);
        let field = quotes::without_padding(&field);
        recognise(field).is_some() || (!mapped.is_empty() && mapped.contains(&key(field)))
    };
    let known = |record: ByteRecord| record.iter().filter(is_known).count();
    first_records(start, delimiter)
        .map(known)
        .max()
        .unwrap_or(0)
}

impl DelimitedRows {
    fn read(&mut self) -> Result<Option<Record>, SheetError> {
        self.reader.get_mut().allow(RECORD_BYTES);
        let start = self.reader.position().byte();
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(_) if self.reader.get_ref().is_exhausted() => {
                let row = self.row + 1;
                let has_quote = self.reader.get_ref().has_quote_since(start);
                return Err(if has_quote {
                    SheetError::UnclosedQuote { row }
                } else {
                    SheetError::RowTooLong {
                        row,
                        limit: RECORD_BYTES,
                    }
                });
            }
            Err(error) => return Err(SheetError::Io(error.into())),
        }
        if self.record.len() == 1 && self.record.as_slice() == END_OF_TEXT.as_bytes() {
            return Ok(None);
        }
        // Line breaks within fields don't count as rows. Blank lines do, although the reader skips
        // them.
        let line = self.reader.position().line();
        let inside = self
            .record
            .as_slice()
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count() as u64;
        let rows = (line - self.line).saturating_sub(inside);
        self.line = line;
        self.row = self
            .row
            .saturating_add(u32::try_from(rows).unwrap_or(u32::MAX));
        if self.reader.is_done() || self.record.as_slice().ends_with(END_OF_TEXT.as_bytes()) {
            return Err(SheetError::UnclosedQuote { row: self.row + 1 });
        }
        if self.row > LAST_LINE {
            return Err(SheetError::TooManyRows {
                limit: self.limits.max_rows,
            });
        }
        let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
        // A row can have millions of fields. Of those beyond the limit, only the first that is not
        // blank is kept.
        let most = self.limits.max_columns + 1;
        let mut rest = self.record.iter();
        let mut fields: Vec<String> = rest.by_ref().take(most).map(text).collect();
        fields.extend(rest.find(|field| !field.trim_ascii().is_empty()).map(text));
        let delimiter = char::from(self.delimiter);
        let fields = if self.is_padded {
            quotes::rejoined(fields, delimiter)
        } else {
            fields
        };
        let most = self.limits.max_cell_chars;
        let cells = fields
            .into_iter()
            .map(|field| Cell::text(field, most))
            .collect();
        Ok(Some(Record {
            row: self.row,
            cells,
            origin: Origin::Csv,
            is_hidden: false,
            faults: Vec::new(),
        }))
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
