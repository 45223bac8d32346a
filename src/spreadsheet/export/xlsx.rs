//! XLSX writer (ECMA-376 part 1). Rows are written directly to the archive and not kept in memory.
//!
//! Texts are stored in their cells (`inlineStr`), because a shared string table would grow with the
//! file. Every text cell has the format "text". A text that looks like a formula also has the
//! attribute `quotePrefix`, which stands for a leading apostrophe. So it remains a text when a user
//! edits it.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use time::{Date, OffsetDateTime, UtcOffset};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::{Buffer, Value, formula};

/// Maximum number of rows in a sheet, including headers.
const MAX_ROWS: u32 = 1_048_576;
/// Maximum number of UTF-16 code units in a cell. If a cell is longer, spreadsheet programs report
/// the file as damaged.
const MAX_CELL_UNITS: usize = 32_767;
/// Compression level. It is the fastest level, because exports wait for the compression. At every
/// level, this XML is compressed to about a tenth of its size.
const LEVEL: i64 = 1;

/// Cell formats, as indexes in `cellXfs`.
const TEXT: u8 = 1;
const QUOTED_TEXT: u8 = 2;
const MOMENT: u8 = 3;
const DAY: u8 = 4;
const HEADER: u8 = 5;

const STYLES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/><numFmt numFmtId="165" formatCode="yyyy\-mm\-dd"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="6"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1" applyNumberFormat="1"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"#;

const ROOT_RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;

pub(super) struct Writer {
    zip: ZipWriter<StreamWriter<Buffer>>,
    name: &'static str,
    headers: Vec<String>,
    /// Cache of column letters.
    letters: Vec<String>,
    sheets: u32,
    /// Number of rows in the current sheet.
    rows: u32,
    max_rows: u32,
    xml: String,
}

impl Writer {
    pub(super) fn new(out: Buffer, name: &'static str, headers: &[&str]) -> io::Result<Self> {
        Self::with_max_rows(out, name, headers, MAX_ROWS)
    }

    /// Creates a writer with `max_rows` rows per sheet, including headers.
    pub(super) fn with_max_rows(
        out: Buffer,
        name: &'static str,
        headers: &[&str],
        max_rows: u32,
    ) -> io::Result<Self> {
        let zip = ZipWriter::new_stream(out);
        let headers: Vec<String> = headers.iter().map(|&header| header.to_owned()).collect();
        let letters = Vec::new();
        let xml = String::new();
        let mut writer = Self {
            zip,
            name,
            headers,
            letters,
            sheets: 0,
            rows: 0,
            max_rows,
            xml,
        };
        writer.begin_sheet()?;
        Ok(writer)
    }

    pub(super) fn row(&mut self, cells: &[Value<'_>]) -> io::Result<()> {
        if self.rows == self.max_rows {
            self.end_sheet()?;
            self.begin_sheet()?;
        }
        self.cells(cells, TEXT)
    }

    /// Appends a row with the cell format `format` for texts.
    fn cells(&mut self, cells: &[Value<'_>], format: u8) -> io::Result<()> {
        self.rows += 1;
        while self.letters.len() < cells.len() {
            self.letters.push(letters(self.letters.len()));
        }
        self.xml.clear();
        // Writing into a String can't fail.
        let _ = write!(self.xml, r#"<row r="{}">"#, self.rows);
        for (column, cell) in self.letters.iter().zip(cells) {
            write_cell(&mut self.xml, column, self.rows, *cell, format);
        }
        self.xml.push_str("</row>");
        self.zip.write_all(self.xml.as_bytes())
    }

    fn begin_sheet(&mut self) -> io::Result<()> {
        self.sheets += 1;
        self.rows = 0;
        self.begin_part(&format!("xl/worksheets/sheet{}.xml", self.sheets))?;
        let columns = match self.headers.len() {
            0 => String::new(),
            many => {
                format!(r#"<cols><col min="1" max="{many}" width="24" customWidth="1"/></cols>"#)
            }
        };
        let head = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>"#;
        self.zip
            .write_all(format!("{head}{columns}<sheetData>").as_bytes())?;
        let headers = std::mem::take(&mut self.headers);
        let cells: Vec<Value<'_>> = headers.iter().map(|header| Value::Text(header)).collect();
        self.cells(&cells, HEADER)?;
        self.headers = headers;
        Ok(())
    }

    fn end_sheet(&mut self) -> io::Result<()> {
        self.zip.write_all(b"</sheetData></worksheet>")
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.end_sheet()?;
        let sheets: Vec<u32> = (1..=self.sheets).collect();
        let each = |shown: &dyn Fn(u32) -> String| {
            sheets.iter().map(|&sheet| shown(sheet)).collect::<String>()
        };
        let name = self.name;
        let listed = each(&|n| {
            let name = if n == 1 {
                name.to_owned()
            } else {
                format!("{name} ({n})")
            };
            format!(r#"<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>"#)
        });
        let workbook = format!(
            r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>{listed}</sheets></workbook>"#
        );
        let targets = each(&|n| {
            format!(
                r#"<Relationship Id="rId{n}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet{n}.xml"/>"#
            )
        });
        let relations = format!(
            r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{targets}<Relationship Id="rId{}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#,
            self.sheets + 1
        );
        let types = each(&|n| {
            format!(
                r#"<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>"#
            )
        });
        let types = format!(
            r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>{types}</Types>"#
        );
        for (part, content) in [
            ("xl/workbook.xml", workbook.as_str()),
            ("xl/_rels/workbook.xml.rels", &relations),
            ("xl/styles.xml", STYLES),
            ("_rels/.rels", ROOT_RELATIONS),
            ("[Content_Types].xml", &types),
        ] {
            self.begin_part(part)?;
            self.zip.write_all(content.as_bytes())?;
        }
        self.zip.finish().map_err(io::Error::from)?;
        Ok(())
    }

    fn begin_part(&mut self, name: &str) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL));
        self.zip.start_file(name, options).map_err(io::Error::from)
    }
}

fn write_cell(xml: &mut String, column: &str, row: u32, cell: Value<'_>, format: u8) {
    let (format, number) = match cell {
        Value::Empty => return,
        Value::Text(text) => {
            let is_formula = matches!(formula::neutralised(text), std::borrow::Cow::Owned(_));
            let format = if format == TEXT && is_formula {
                QUOTED_TEXT
            } else {
                format
            };
            let _ = write!(
                xml,
                r#"<c r="{column}{row}" s="{format}" t="inlineStr"><is><t xml:space="preserve">"#
            );
            push_text(xml, text);
            xml.push_str("</t></is></c>");
            return;
        }
        Value::Number(number) => (0, number.to_string()),
        Value::Moment(moment) => (MOMENT, moment_serial(moment)),
        Value::Day(day) => (DAY, day_serial(day).to_string()),
    };
    let _ = write!(
        xml,
        r#"<c r="{column}{row}" s="{format}"><v>{number}</v></c>"#
    );
}

/// Appends `text` as XML. Characters that XML can't represent are escaped as `ST_Xstring`. A text
/// that is too long for a cell is cut off and ends in `…`.
fn push_text(xml: &mut String, text: &str) {
    let mut units = 0;
    let is_long = text.len() > MAX_CELL_UNITS && text.encode_utf16().count() > MAX_CELL_UNITS;
    for (position, character) in text.char_indices() {
        units += character.len_utf16();
        if is_long && units >= MAX_CELL_UNITS {
            xml.push('…');
            return;
        }
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\t' | '\n' => xml.push(character),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => {
                let _ = write!(xml, "_x{:04X}_", u32::from(character));
            }
            '_' if is_escape(&text[position..]) => xml.push_str("_x005F_"),
            _ => xml.push(character),
        }
    }
}

/// Returns true if `text` begins with an `ST_Xstring` escape, such as `_x0041_`.
fn is_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 7
        && bytes[1] == b'x'
        && bytes[6] == b'_'
        && bytes[2..6].iter().all(u8::is_ascii_hexdigit)
}

/// Returns the letters of a column: `A` for 0, `Z` for 25, `AA` for 26.
fn letters(mut column: usize) -> String {
    let mut name = Vec::new();
    loop {
        name.push(char::from(b'A' + (column % 26) as u8)); // proof: below 26
        if column < 26 {
            return name.iter().rev().collect();
        }
        column = column / 26 - 1;
    }
}

/// Returns the serial number of a day in the 1900 date system. The result is correct from March
/// 1900.
fn day_serial(day: Date) -> i64 {
    const BEGINNING: Date = time::macros::date!(1899 - 12 - 30);
    (day - BEGINNING).whole_days()
}

fn moment_serial(moment: OffsetDateTime) -> String {
    let moment = moment.to_offset(UtcOffset::UTC);
    let (hours, minutes, seconds) = moment.to_hms();
    let second = u32::from(hours) * 3_600 + u32::from(minutes) * 60 + u32::from(seconds);
    format!(
        "{}{}",
        day_serial(moment.date()),
        &format!("{:.10}", f64::from(second) / 86_400.0)[1..]
    )
}
