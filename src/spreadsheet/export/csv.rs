//! CSV writer (RFC 4180). It writes a byte order mark, which Excel needs to detect UTF-8.

use std::borrow::Cow;
use std::io::{self, Write as _};

use csv::{QuoteStyle, Terminator, WriterBuilder};

use super::{Buffer, Value, formula};
use time::format_description::well_known::Rfc3339;

const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

pub(super) struct Writer(csv::Writer<Buffer>);

impl Writer {
    pub(super) fn new(mut out: Buffer, headers: &[&str]) -> io::Result<Self> {
        out.write_all(BYTE_ORDER_MARK)?;
        // A report repeats the rows of an uploaded file, which can differ in length.
        let mut builder = WriterBuilder::new();
        builder
            .quote_style(QuoteStyle::Always)
            .terminator(Terminator::CRLF)
            .flexible(true);
        let mut writer = Self(builder.from_writer(out));
        let headers: Vec<Value<'_>> = headers.iter().map(|header| Value::Text(header)).collect();
        writer.row(&headers)?;
        Ok(writer)
    }

    pub(super) fn row(&mut self, cells: &[Value<'_>]) -> io::Result<()> {
        for cell in cells {
            self.0.write_field(text(*cell)?.as_bytes())?;
        }
        self.0.write_record(None::<&[u8]>)?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn text(cell: Value<'_>) -> io::Result<Cow<'_, str>> {
    Ok(match cell {
        Value::Empty => Cow::Borrowed(""),
        Value::Text(text) => formula::neutralised(text),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Moment(moment) => Cow::Owned(moment.format(&Rfc3339).map_err(io::Error::other)?),
        Value::Day(day) => Cow::Owned(day.to_string()),
    })
}
