//! Streaming writer for tables in CSV or XLSX, with limited memory.
//!
//! Create a [`SheetWriter`], add rows, and call [`take`](SheetWriter::take) regularly. Only bytes
//! that have not been taken are kept in memory. Texts are never interpreted as numbers or formulas.
//! In CSV, formulas are [neutralised](formula). In XLSX, every text cell has the type and format of
//! text, so `007` keeps its zeros.

mod csv;
pub(super) mod formula;
mod xlsx;

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use time::{Date, OffsetDateTime};

/// File format of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// CSV (RFC 4180) in UTF-8 with a byte order mark, commas and CRLF. Every field is quoted.
    Csv,
    /// Office Open XML. If a sheet is full (1,048,576 rows), a new sheet begins.
    Xlsx,
}

impl ExportFormat {
    /// Returns the media type of the file.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// Returns the file name extension, without a dot.
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

/// Content of one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'v> {
    /// Empty cell.
    Empty,
    /// Text, even if it looks like a number or a formula.
    Text(&'v str),
    /// Number for calculations. Identifiers of digits must be [`Value::Text`].
    Number(i64),
    /// Point in time. RFC 3339 in CSV; in XLSX a date cell in UTC with a precision of 1 s.
    Moment(OffsetDateTime),
    /// Calendar day. ISO 8601 in CSV; a date cell in XLSX.
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

/// Streaming writer of one table.
pub struct SheetWriter {
    kind: Kind,
    out: Buffer,
}

enum Kind {
    Csv(Box<csv::Writer>),
    Xlsx(Box<xlsx::Writer>),
}

impl SheetWriter {
    /// Creates a writer and writes the headers. `sheet` is the name of the sheet in a workbook: 1
    /// to 25 characters without `[]:*?/\`.
    ///
    /// # Errors
    /// Fails if compression fails. This can't happen while the output is a buffer in memory.
    pub fn new(format: ExportFormat, sheet: &'static str, headers: &[&str]) -> io::Result<Self> {
        let out = Buffer::default();
        let kind = match format {
            ExportFormat::Csv => Kind::Csv(Box::new(csv::Writer::new(out.clone(), headers)?)),
            ExportFormat::Xlsx => {
                Kind::Xlsx(Box::new(xlsx::Writer::new(out.clone(), sheet, headers)?))
            }
        };
        Ok(Self { kind, out })
    }

    /// Appends a row.
    ///
    /// # Errors
    /// Fails if a sheet exceeds 4 GiB.
    pub fn row(&mut self, cells: &[Value<'_>]) -> io::Result<()> {
        match &mut self.kind {
            Kind::Csv(writer) => writer.row(cells),
            Kind::Xlsx(writer) => writer.row(cells),
        }
    }

    /// Returns the bytes that were written since the last call. The compressor keeps some bytes
    /// until a block is full.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        self.out.take()
    }

    /// Finishes the file and returns the remaining bytes.
    ///
    /// # Errors
    /// Fails for the same reasons as [`Self::row`].
    pub fn finish(self) -> io::Result<Vec<u8>> {
        match self.kind {
            Kind::Csv(writer) => writer.finish()?,
            Kind::Xlsx(writer) => writer.finish()?,
        }
        Ok(self.out.take())
    }
}

/// Shared buffer of written bytes that have not been taken.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
