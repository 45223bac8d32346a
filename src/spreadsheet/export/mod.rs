//! Writing a table that people open in a spreadsheet program: CSV or XLSX, row by row, in bounded memory.
//!
//! Make a [`SheetWriter`], give it rows, and [take](SheetWriter::take) the bytes now and then: what was
//! written and not taken is all that is held. Text stays text: formulas are [neutralised](formula) in CSV,
//! and in XLSX every text cell has the type and format of text, so that `007` keeps its zeros.

mod csv;
pub(super) mod formula;
mod xlsx;

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use time::{Date, OffsetDateTime};

/// What a table is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// UTF-8 with a byte order mark, commas, CRLF, every field quoted (RFC 4180).
    Csv,
    /// Office Open XML; a further sheet where one is full (1,048,576 rows).
    Xlsx,
}

impl ExportFormat {
    /// The media type of the file.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The file name's extension, without a dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

impl FromStr for ExportFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "csv" => Ok(Self::Csv),
            "xlsx" => Ok(Self::Xlsx),
            _ => Err("give csv or xlsx"),
        }
    }
}

/// What one cell holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'v> {
    /// Nothing.
    Empty,
    /// Text, whatever it looks like.
    Text(&'v str),
    /// A number to calculate with; what is only written in digits is a text.
    Number(i64),
    /// A moment, to the second: RFC 3339 in CSV, in XLSX a date cell in UTC.
    Moment(OffsetDateTime),
    /// A day: ISO 8601 in CSV, a date cell in XLSX.
    Day(Date),
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(text)
    }
}

impl<'v, T: Into<Value<'v>>> From<Option<T>> for Value<'v> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// A table on its way to a file.
pub struct SheetWriter {
    kind: Kind,
    out: Buffer,
}

enum Kind {
    Csv(Box<csv::Writer>),
    Xlsx(Box<xlsx::Writer>),
}

impl SheetWriter {
    /// Begins a table. `sheet` names the sheet of a workbook: 1–25 characters, none of `[]:*?/\`.
    ///
    /// # Errors
    /// Packing fails; never where it is our own memory that takes the bytes.
    pub fn new(format: ExportFormat, sheet: &'static str, headers: &[&str]) -> io::Result<Self> {
        let out = Buffer::default();
        let kind = match format {
            ExportFormat::Csv => Kind::Csv(Box::new(csv::Writer::new(out.clone(), headers)?)),
            ExportFormat::Xlsx => Kind::Xlsx(Box::new(xlsx::Writer::new(out.clone(), sheet, headers)?)),
        };
        Ok(Self { kind, out })
    }

    /// Adds a row below the others.
    ///
    /// # Errors
    /// Packing fails: a sheet of more than 4 GiB.
    pub fn row(&mut self, cells: &[Value<'_>]) -> io::Result<()> {
        match &mut self.kind {
            Kind::Csv(writer) => writer.row(cells),
            Kind::Xlsx(writer) => writer.row(cells),
        }
    }

    /// The bytes that were written since they were last taken; some wait until a block is full.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        self.out.take()
    }

    /// Ends the file and gives the rest of its bytes.
    ///
    /// # Errors
    /// As for [`Self::row`].
    pub fn finish(self) -> io::Result<Vec<u8>> {
        match self.kind {
            Kind::Csv(writer) => writer.finish()?,
            Kind::Xlsx(writer) => writer.finish()?,
        }
        Ok(self.out.take())
    }
}

/// Bytes that wait to be taken.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
