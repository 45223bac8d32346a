//! Conversion of a report of rejected rows to the requested format. Rows are converted one by one,
//! so that memory use is limited.

use std::io::{self, BufRead, BufWriter, Write};

use super::report::ReportFormat;
use crate::importing::report::ErrorDetail;
use crate::importing::report_file::StoredReport;
use crate::spreadsheet::REPORT_COLUMNS;
use crate::spreadsheet::export::{ExportFormat, SheetWriter, Value};

/// Writes the whole report to `target` in the requested format.
///
/// # Errors
/// The report is damaged, or `target` cannot be written.
pub(super) fn write(
    report: StoredReport<impl BufRead>,
    format: ReportFormat,
    target: impl Write,
) -> io::Result<()> {
    let target = BufWriter::with_capacity(64 * 1024, target);
    match format {
        ReportFormat::Ndjson => lines(report, target),
        ReportFormat::Json => list(report, target),
        ReportFormat::Csv => table(report, ExportFormat::Csv, target),
        ReportFormat::Xlsx => table(report, ExportFormat::Xlsx, target),
    }
}

fn lines(mut report: StoredReport<impl BufRead>, mut target: impl Write) -> io::Result<()> {
    while let Some(line) = report.next_line()? {
        target.write_all(line.as_bytes())?;
        target.write_all(b"\n")?;
    }
    target.flush()
}

fn list(mut report: StoredReport<impl BufRead>, mut target: impl Write) -> io::Result<()> {
    let mut before: &[u8] = b"[";
    while let Some(line) = report.next_line()? {
        target.write_all(before)?;
        target.write_all(line.as_bytes())?;
        before = b",\n";
    }
    target.write_all(if before == b"[" { b"[]\n" } else { b"]\n" })?;
    target.flush()
}

fn table(
    mut report: StoredReport<impl BufRead>,
    format: ExportFormat,
    mut target: impl Write,
) -> io::Result<()> {
    // A corrected report that is uploaded again already contains the two added columns.
    let own = |column: &&String| !REPORT_COLUMNS.contains(&column.as_str());
    let columns: Vec<String> = report.columns.iter().filter(own).cloned().collect();
    let headers: Vec<&str> = columns
        .iter()
        .map(String::as_str)
        .chain(REPORT_COLUMNS)
        .collect();
    let mut sheet = SheetWriter::new(format, "Rejected", &headers)?;
    while let Some(row) = report.next_row()? {
        let cell = |column: &String| {
            row.data
                .get(column)
                .map_or(Value::Empty, |v| Value::Text(v.reveal_str()))
        };
        let reason = reason(&row);
        let added = [Value::Number(row.row.into()), Value::Text(&reason)];
        let cells: Vec<Value<'_>> = columns.iter().map(cell).chain(added).collect();
        sheet.row(&cells)?;
        target.write_all(&sheet.take())?;
    }
    target.write_all(&sheet.finish()?)?;
    target.flush()
}

/// Returns the problems of a row as one text for a table cell.
fn reason(row: &ErrorDetail) -> String {
    let texts = row
        .errors
        .iter()
        .map(|error| format!("{} ({})", error.message, error.code));
    texts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const REPORT: &str = concat!(
        r#"{"columns":["Nombre","laureate_reason","Correo","Documento"]}"#,
        "\n",
        r#"{"row":3,"data":{"Documento":"+12","Nombre":"Ana"},"errors":[{"field":"email","code":"REQUIRED","message":"email is missing"}]}"#,
        "\n",
        r#"{"row":5,"data":{"Correo":"x","laureate_reason":"old"},"errors":[{"code":"A","message":"a"},{"code":"B","message":"b"}]}"#,
        "\n",
    );

    fn written(report: &str, format: ReportFormat) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(
            StoredReport::open(Cursor::new(report)).unwrap(),
            format,
            &mut bytes,
        )
        .unwrap();
        bytes
    }

    #[test]
    fn csv_report_has_the_original_columns_plus_row_and_reason() {
        let table = String::from_utf8(written(REPORT, ReportFormat::Csv)).unwrap();
        assert_eq!(
            table
                .trim_start_matches('\u{FEFF}')
                .lines()
                .collect::<Vec<_>>(),
            [
                r#""Nombre","Correo","Documento","laureate_row","laureate_reason""#,
                r#""Ana","","'+12","3","email is missing (REQUIRED)""#,
                r#""","x","","5","a (A); b (B)""#,
            ]
        );
    }

    #[test]
    fn json_report_is_an_array_and_ndjson_has_one_row_per_line() {
        let list: serde_json::Value =
            serde_json::from_slice(&written(REPORT, ReportFormat::Json)).unwrap();
        assert_eq!(
            (&list[0]["row"], &list[1]["errors"][1]["code"]),
            (&3.into(), &"B".into())
        );
        let lines = String::from_utf8(written(REPORT, ReportFormat::Ndjson)).unwrap();
        assert_eq!(lines, REPORT.split_once('\n').unwrap().1);
        assert_eq!(written("", ReportFormat::Json), b"[]\n");
    }
}
