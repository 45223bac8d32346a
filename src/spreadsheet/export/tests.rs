//! Tests of written files, read back with Laureate's reader and with other libraries.

use std::io::Cursor;

use calamine::{Data, Reader as _, Xlsx};
use proptest::prelude::*;
use time::macros::{date, datetime};

use super::{Buffer, ExportFormat, SheetWriter, Value, xlsx};

const HEADERS: [&str; 3] = ["full_name", "email", "document_number"];

fn written(format: ExportFormat, rows: &[Vec<Value<'_>>]) -> Vec<u8> {
    let mut writer =
        SheetWriter::new(format, "People", &HEADERS).expect("writing to memory never fails");
    let mut bytes = Vec::new();
    for row in rows {
        writer.row(row).expect("writing to memory never fails");
        bytes.extend(writer.take());
    }
    bytes.extend(writer.finish().expect("writing to memory never fails"));
    bytes
}

fn cells(workbook: &[u8], sheet: &str) -> Vec<Vec<Data>> {
    let mut workbook: Xlsx<_> =
        calamine::open_workbook_from_rs(Cursor::new(workbook)).expect("a workbook");
    let range = workbook
        .worksheet_range(sheet)
        .expect("a sheet of this name");
    range.rows().map(<[Data]>::to_vec).collect()
}

#[test]
fn csv_is_rfc_4180_with_a_byte_order_mark() {
    let rows = [
        vec![
            "Ada \"Countess\" Lovelace".into(),
            "=1+1".into(),
            "007".into(),
        ],
        vec![
            Value::Empty,
            Value::Number(-5),
            Value::Moment(datetime!(2026-11-21 14:00 UTC)),
        ],
        vec![
            Value::Day(date!(2026 - 11 - 21)),
            "two\nlines".into(),
            "Ñandú, Ana".into(),
        ],
    ];
    let expected = "\u{FEFF}\"full_name\",\"email\",\"document_number\"\r\n\
        \"Ada \"\"Countess\"\" Lovelace\",\"'=1+1\",\"007\"\r\n\
        \"\",\"-5\",\"2026-11-21T14:00:00Z\"\r\n\
        \"2026-11-21\",\"two\n\",\"Ñandú, Ana\"\r\n";
    let expected = expected.replace("two\n", "two\nlines");
    assert_eq!(
        String::from_utf8(written(ExportFormat::Csv, &rows)).expect("UTF-8"),
        expected
    );
}

#[test]
fn a_workbook_keeps_texts_as_texts_and_dates_as_dates() {
    let moment = datetime!(2026-11-21 15:30:15 +1);
    let rows = [
        vec![
            "=1+1".into(),
            "007".into(),
            "a<b>&\"c\" _x0041_ \r\u{1}".into(),
        ],
        vec![Value::Number(12), Value::Empty, Value::Moment(moment)],
        vec![
            Value::Day(date!(2026 - 11 - 21)),
            "  spaces  ".into(),
            "Ñandú 東京".into(),
        ],
    ];
    let read = cells(&written(ExportFormat::Xlsx, &rows), "People");
    let text = |text: &str| Data::String(text.to_owned());
    assert_eq!(read[0], HEADERS.map(text).to_vec());
    assert_eq!(read[1][..2], [text("=1+1"), text("007")]);
    assert_eq!(read[1][2], text("a<b>&\"c\" _x0041_ \r\u{1}"));
    assert_eq!(
        (&read[2][0], &read[2][1]),
        (&Data::Float(12.0), &Data::Empty)
    );
    let serial = |cell: &Data| match cell {
        Data::DateTime(serial) => serial.as_f64(),
        other => panic!("no date: {other:?}"),
    };
    assert!((serial(&read[2][2]) - (46_347.0 + 52_215.0 / 86_400.0)).abs() < 1e-8);
    assert!((serial(&read[3][0]) - 46_347.0).abs() < 1e-8);
    assert_eq!(read[3][1..], [text("  spaces  "), text("Ñandú 東京")]);
}

#[test]
fn rows_beyond_a_full_sheet_are_written_to_another_sheet() {
    let out = Buffer::default();
    let mut writer = xlsx::Writer::with_max_rows(out.clone(), "People", &["n"], 3).expect("memory");
    for n in 0..5 {
        writer.row(&[Value::Number(n)]).expect("memory");
    }
    writer.finish().expect("memory");
    let bytes = out.take();
    let numbers = |sheet| -> Vec<String> {
        cells(&bytes, sheet)
            .iter()
            .map(|row| row[0].to_string())
            .collect()
    };
    assert_eq!(numbers("People"), ["n", "0", "1"]);
    assert_eq!(numbers("People (2)"), ["n", "2", "3"]);
    assert_eq!(numbers("People (3)"), ["n", "4"]);
}

#[test]
fn cell_longer_than_the_format_allows_is_truncated() {
    let long = "😀".repeat(20_000);
    let read = cells(
        &written(ExportFormat::Xlsx, &[vec![long.as_str().into()]]),
        "People",
    );
    let Data::String(cut) = &read[1][0] else {
        panic!("no text")
    };
    assert!(
        cut.ends_with('…')
            && cut.encode_utf16().count() <= 32_767
            && cut.encode_utf16().count() > 32_760
    );
}

#[test]
fn writer_memory_does_not_depend_on_the_number_of_rows() {
    for format in [ExportFormat::Csv, ExportFormat::Xlsx] {
        let mut writer = SheetWriter::new(format, "People", &HEADERS).expect("memory");
        let mut most = 0;
        let mut total = 0;
        for row in 0..50_000 {
            let name = format!("Person number {row}");
            writer
                .row(&[name.as_str().into(), "p@example.com".into(), "007".into()])
                .expect("memory");
            let taken = writer.take();
            most = most.max(taken.len());
            // The capacity of the buffer depends on the next rows, not on the size of the file.
            total += taken.len();
        }
        total += writer.finish().expect("memory").len();
        assert!(
            most < 256 * 1024 && total > 256 * 1024,
            "{format:?}: {most} of {total}"
        );
    }
}

#[test]
fn exported_file_is_read_by_the_importer() {
    let rows: [Vec<Value<'_>>; 1] = [vec![
        "Ada Lovelace".into(),
        "ada@example.com".into(),
        "007".into(),
    ]];
    for (format, read_as) in [
        (ExportFormat::Csv, crate::spreadsheet::Format::Csv),
        (ExportFormat::Xlsx, crate::spreadsheet::Format::Xlsx),
    ] {
        let briefs = crate::spreadsheet::fixture::briefs(&written(format, &rows), read_as);
        assert_eq!(briefs, ["2 Ada Lovelace|007|ada@example.com"]);
    }
}

proptest! {
    #[test]
    fn any_text_is_read_back_from_an_exported_workbook(text in "[^\0]{1,40}") {
        let read = cells(&written(ExportFormat::Xlsx, &[vec![text.as_str().into()]]), "People");
        prop_assert_eq!(&read[1][0], &Data::String(text));
    }

    #[test]
    fn any_text_is_read_back_from_an_exported_csv(text in r#"[^=+\-@'\t\r\n]{0,40}"#) {
        let bytes = written(ExportFormat::Csv, &[vec!["x".into(), Value::Text(&text)]]);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(&bytes[3..]);
        let record = reader.records().next().expect("a row").expect("whole");
        prop_assert_eq!(&record[1], super::formula::neutralised(&text));
    }
}
