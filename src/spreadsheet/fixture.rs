//! Test helpers that generate spreadsheet files and read them.

pub(super) mod biff;

use std::io::{Cursor, Write as _};

use tempfile::NamedTempFile;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::domain::certification::reading::Reading;

use super::{Format, Limits, RowOutcome, SheetError, SheetReader, SheetRow, open};

/// Writes `bytes` to a file and opens it with the default limits.
pub(super) fn open_bytes(bytes: &[u8], format: Format) -> Result<SheetReader, SheetError> {
    open_within(bytes, format, Limits::default())
}

/// Writes `bytes` to a file and opens it with `limits`. The file is deleted immediately, but can be
/// read while it is open.
pub(super) fn open_within(
    bytes: &[u8],
    format: Format,
    limits: Limits,
) -> Result<SheetReader, SheetError> {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("the file is writable");
    open(file.path(), format, limits, &Reading::default())?.with_document_column(true)
}

/// Writes `bytes` to a file and opens it with the choices of the uploader.
pub(super) fn open_chosen(
    bytes: &[u8],
    format: Format,
    reading: &Reading,
) -> Result<SheetReader, SheetError> {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("the file is writable");
    open(file.path(), format, Limits::default(), reading)?.with_document_column(true)
}

/// Reads the names from a CSV file. The document number is not required. For a rejected row,
/// returns its first error code.
pub(super) fn names_of(text: &str, reading: &Reading) -> Result<Vec<String>, SheetError> {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes())
        .expect("the file is writable");
    let rows = open(file.path(), Format::Csv, Limits::default(), reading)
        .map_err(SheetError::without_document)?;
    let name = |row: SheetRow| match row.outcome {
        RowOutcome::Person { person, .. } => person.full_name.reveal_str().to_owned(),
        RowOutcome::Rejected { errors, .. } => {
            errors.first().map_or("", |error| error.code).to_owned()
        }
    };
    rows.map(|row| row.map(name)).collect()
}

/// Reads all rows of a valid file.
pub(super) fn rows(bytes: &[u8], format: Format) -> Vec<SheetRow> {
    let reader = open_bytes(bytes, format).expect("the file opens");
    reader.collect::<Result<_, _>>().expect("the file is whole")
}

/// Returns the error that occurs when a file is opened or read.
pub(super) fn error(bytes: &[u8], format: Format) -> SheetError {
    match open_bytes(bytes, format) {
        Err(error) => error,
        Ok(reader) => reader
            .filter_map(Result::err)
            .next()
            .expect("the file is broken"),
    }
}

/// Formats a row as number, name, document and e-mail address, or as error codes by column.
pub(super) fn brief(row: &SheetRow) -> String {
    match &row.outcome {
        RowOutcome::Person { person, raw, .. } => match person.complete(true) {
            Ok(person) => {
                let document = person
                    .document_number
                    .as_ref()
                    .map_or("", |number| number.reveal_str());
                format!(
                    "{} {}|{document}|{}",
                    row.row,
                    person.full_name.reveal_str(),
                    person.email.reveal_str()
                )
            }
            Err(errors) => {
                let message = errors
                    .iter()
                    .map(|error| (raw.header_of(error.field), error.code));
                wrong(row.row, message)
            }
        },
        RowOutcome::Rejected { errors, .. } => wrong(
            row.row,
            errors
                .iter()
                .map(|error| (error.column.as_deref(), error.code)),
        ),
    }
}

fn wrong<'e>(row: u32, errors: impl Iterator<Item = (Option<&'e str>, &'e str)>) -> String {
    let message = errors.map(|(column, code)| format!("{}:{code}", column.unwrap_or("-")));
    format!("{row} {}", message.collect::<Vec<_>>().join(" "))
}

pub(super) fn briefs(bytes: &[u8], format: Format) -> Vec<String> {
    rows(bytes, format).iter().map(brief).collect()
}

const RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;

/// Parts of a workbook. Tests change them before the file is packed.
pub(super) struct Workbook {
    /// Name, `state` attribute and rows of each sheet. The rows are the XML inside of `sheetData`.
    pub sheets: Vec<(&'static str, &'static str, String)>,
    /// Content of `sharedStrings.xml`, if the workbook has one.
    pub strings: Option<String>,
    /// Content of `styles.xml`.
    pub styles: &'static str,
    /// XML before the list of sheets.
    pub properties: &'static str,
    /// XML before `sheetData` in each sheet.
    pub columns: &'static str,
    /// Additional parts, which are not changed.
    pub extra: Vec<(&'static str, Vec<u8>)>,
}

impl Workbook {
    /// Creates a workbook of one visible sheet with these rows.
    pub(super) fn of(rows: &str) -> Self {
        Self {
            sheets: vec![("People", "visible", rows.to_owned())],
            strings: None,
            // Format 14 is a date.
            styles: r#"<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#,
            properties: "",
            columns: "",
            extra: Vec::new(),
        }
    }

    pub(super) fn pack(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let mut add = |name: &str, content: &[u8]| {
            zip.start_file(name, SimpleFileOptions::default())
                .expect("the archive takes a part");
            zip.write_all(content).expect("the file is writable");
        };
        add("[Content_Types].xml", b"<Types/>");
        add("_rels/.rels", RELS.as_bytes());
        let mut list = String::new();
        let mut targets = String::new();
        for (index, (name, state, rows)) in self.sheets.iter().enumerate() {
            list.push_str(&format!(
                r#"<sheet name="{name}" sheetId="{0}" state="{state}" r:id="s{0}"/>"#,
                index + 1
            ));
            targets.push_str(&format!(
                r#"<Relationship Id="s{0}" Type="http://x/relationships/worksheet" Target="worksheets/sheet{0}.xml"/>"#,
                index + 1
            ));
            let sheet = format!(
                "<worksheet>{}<sheetData>{rows}</sheetData></worksheet>",
                self.columns
            );
            add(
                &format!("xl/worksheets/sheet{}.xml", index + 1),
                sheet.as_bytes(),
            );
        }
        add(
            "xl/workbook.xml",
            format!(
                "<workbook>{}<sheets>{list}</sheets></workbook>",
                self.properties
            )
            .as_bytes(),
        );
        add(
            "xl/_rels/workbook.xml.rels",
            format!("<Relationships>{targets}</Relationships>").as_bytes(),
        );
        add("xl/styles.xml", self.styles.as_bytes());
        if let Some(strings) = &self.strings {
            add("xl/sharedStrings.xml", strings.as_bytes());
        }
        for (name, content) in &self.extra {
            add(name, content);
        }
        zip.finish().expect("the archive is complete").into_inner()
    }
}

/// Formats a row of inline strings, as many programs write it.
pub(super) fn row(number: u32, cells: &[&str]) -> String {
    let cell = |text: &&str| {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
        format!(r#"<c t="inlineStr"><is><t xml:space="preserve">{escaped}</t></is></c>"#)
    };
    format!(
        r#"<row r="{number}">{}</row>"#,
        cells.iter().map(cell).collect::<String>()
    )
}
