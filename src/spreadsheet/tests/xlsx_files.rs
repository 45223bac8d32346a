//! Valid and malicious XLSX files.

use std::io::Write as _;

use proptest::prelude::*;

use super::super::fixture::{Workbook, briefs, error, open_within, row, rows};
use super::super::{Format, Limits, RowOutcome, SheetError};

const HEADER: &[&str] = &["Nombre completo", "Correo", "Documento"];

fn people(more: &str) -> Workbook {
    Workbook::of(&format!("{}{more}", row(1, HEADER)))
}

fn xlsx(workbook: &Workbook) -> Vec<String> {
    briefs(&workbook.pack(), Format::Xlsx)
}

fn refused(workbook: &Workbook) -> SheetError {
    error(&workbook.pack(), Format::Xlsx)
}

#[test]
fn inline_strings_are_read_and_blank_rows_skipped() {
    let more = row(2, &["Ада", "a@example.com", "007"])
        + &row(5, &["", " ", ""])
        + &row(9, &["B", "b@example.com", "2"]);
    assert_eq!(
        xlsx(&people(&more)),
        ["2 Ада|007|a@example.com", "9 B|2|b@example.com"]
    );
}

#[test]
fn shared_strings_rich_text_and_numbers_are_read() {
    let mut workbook = people(
        r#"<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c><c r="C2"><v>1.2E+10</v></c></row>
           <row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3" t="s"><v>1</v></c><c r="C3"><v>45678901</v></c></row>
           <row r="4"><c r="A4" t="s"><v>0</v></c><c r="B4" t="s"><v>1</v></c><c r="C4" s="1"><v>45943</v></c></row>
           <row r="5"><c r="A5" t="str"><f>B1&amp;C1</f><v>Ada &amp; Co</v></c><c r="B5" t="s"><v>1</v></c><c r="C5" t="s"><v>2</v></c></row>"#,
    );
    workbook.strings = Some(
        r#"<sst count="9" uniqueCount="3"><si><r><t xml:space="preserve">Ada </t></r><r><t>Lovelace</t></r></si><si><t>a@example.com</t></si><si><t>007</t></si></sst>"#
            .to_owned(),
    );
    assert_eq!(
        xlsx(&workbook),
        [
            "2 Ada Lovelace|12000000000|a@example.com",
            "3 Ada Lovelace|45678901|a@example.com",
            "4 Documento:DATE_CELL",
            "5 Ada & Co|007|a@example.com",
        ]
    );
}

#[test]
fn boolean_error_and_rounded_cells_are_errors_of_their_row() {
    let workbook = people(
        r#"<row r="2"><c t="b"><v>1</v></c><c t="e"><v>#N/A</v></c><c><v>1234567890123456</v></c></row>
           <row r="3"><c t="inlineStr"><is><t>Ada</t></is></c><c t="inlineStr"><is><t>a@example.com</t></is></c><c><v>1</v></c><c t="e"><v>#N/A</v></c></row>"#,
    );
    assert_eq!(
        xlsx(&workbook),
        [
            "2 Nombre completo:BOOLEAN_CELL Documento:NUMBER_ROUNDED Correo:ERROR_CELL",
            "3 Ada|1|a@example.com",
        ]
    );
    let RowOutcome::Person { raw, .. } = &rows(&workbook.pack(), Format::Xlsx)[1].outcome else {
        panic!("a person")
    };
    assert_eq!(
        raw.pairs()
            .last()
            .map(|(header, value)| (header, value.reveal_str())),
        Some(("D".to_owned(), "#N/A"))
    );
}

#[test]
fn the_first_visible_sheet_with_the_headers_is_read() {
    let mut workbook = people(&row(2, &["Ada", "a@example.com", "1"]));
    let hidden = row(1, HEADER) + &row(2, &["Hidden", "h@example.com", "2"]);
    workbook
        .sheets
        .insert(0, ("Cover", "visible", row(1, &["Course of 2026"])));
    workbook.sheets.insert(0, ("Old", "hidden", hidden));
    workbook
        .sheets
        .insert(0, ("Blank", "visible", String::new()));
    assert_eq!(xlsx(&workbook), ["2 Ada|1|a@example.com"]);
    workbook.sheets.truncate(3);
    assert_eq!(refused(&workbook).code(), "MISSING_COLUMNS");
    workbook.sheets.truncate(1);
    assert_eq!(refused(&workbook).code(), "EMPTY_FILE");
}

#[test]
fn last_row_is_read_and_a_cell_beyond_the_column_limit_refused() {
    let far = r#"<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#;
    assert_eq!(refused(&people(far)).code(), "TOO_MANY_COLUMNS");
    assert!(refused(&people(far)).to_string().contains("row 1048576"));
    let low = row(1_048_576, &["Ada", "a@example.com", "1"]);
    assert_eq!(xlsx(&people(&low)), ["1048576 Ada|1|a@example.com"]);
    let styled = r#"<row r="2"><c r="XFD2" s="1"/></row>"#.to_owned() + &low;
    assert_eq!(
        xlsx(&people(&styled)),
        ["1048576 Ada|1|a@example.com"],
        "formatting alone is no content"
    );
    assert_eq!(
        refused(&people(&row(1_048_577, &["Ada"]))).code(),
        "BROKEN_FILE"
    );
}

#[test]
fn zip_bomb_is_refused_while_it_inflates() {
    let mut bomb = people(&row(2, &["Ada", "a@example.com", "1"]));
    bomb.extra.push(("xl/media/image1.png", vec![0; 3 << 20]));
    let bytes = bomb.pack();
    assert!(bytes.len() < 20_000, "it packs well: {}", bytes.len());
    let limits = Limits {
        max_inflated_bytes: 2 << 20,
        ..Limits::default()
    };
    let message = open_within(&bytes, Format::Xlsx, limits).expect_err("too much");
    assert_eq!(message.code(), "FILE_INFLATES_TOO_LARGE");
    assert!(message.to_string().contains("2 MiB"), "{message}");
}

#[test]
fn declared_counts_are_not_trusted() {
    let mut workbook = people("");
    workbook.strings =
        Some(r#"<sst uniqueCount="999999999999999"><si><t>x</t></si></sst>"#.to_owned());
    assert!(xlsx(&workbook).is_empty());
    workbook.strings = Some(format!("<sst>{}</sst>", "<si/>".repeat(17 << 20)));
    assert_eq!(refused(&workbook).code(), "FILE_INFLATES_TOO_LARGE");
}

#[test]
fn file_beyond_the_xlsx_limits_is_refused() {
    let bytes =
        people(&(row(2, &["Ada", "a@example.com", "1"]) + &row(4, &["Bob", "b@example.com", "2"])))
            .pack();
    let codes = |limits| {
        let reader = open_within(&bytes, Format::Xlsx, limits)?;
        reader.collect::<Result<Vec<_>, _>>()
    };
    let usual = Limits::default();
    assert_eq!(
        codes(Limits {
            max_rows: 2,
            ..usual
        })
        .expect("two rows")
        .len(),
        2
    );
    assert_eq!(
        codes(Limits {
            max_rows: 1,
            ..usual
        })
        .expect_err("two rows")
        .code(),
        "TOO_MANY_ROWS"
    );
    assert_eq!(
        codes(Limits {
            max_columns: 2,
            ..usual
        })
        .expect_err("three columns")
        .code(),
        "TOO_MANY_COLUMNS"
    );
    assert_eq!(
        codes(Limits {
            max_bytes: 99,
            ..usual
        })
        .expect_err("more bytes")
        .code(),
        "FILE_TOO_LARGE"
    );
}

#[test]
fn damaged_sheet_ends_reading_with_an_error() {
    let good = row(2, &["Ada", "a@example.com", "1"]);
    for damage in [
        "<row r=\"3\"><c t=\"s\"><v>7</v></c></row>",
        "<row r=\"3\"><c",
        "<row r=\"99999999999\"/>",
        "</x",
    ] {
        let mut reader = open_within(
            &people(&(good.clone() + damage)).pack(),
            Format::Xlsx,
            Limits::default(),
        )
        .expect("the header is whole");
        let first = reader.next().expect("a row");
        let message = if first.is_ok() {
            reader.next().expect("the damage")
        } else {
            first
        };
        assert_eq!(message.expect_err(damage).code(), "BROKEN_FILE", "{damage}");
        assert!(reader.next().is_none());
    }
    let bytes = people(&good).pack();
    assert_eq!(
        error(&bytes[..bytes.len() / 2], Format::Xlsx).code(),
        "BROKEN_FILE"
    );
    let mut flipped = bytes.clone();
    flipped[60] ^= 0xFF;
    assert_eq!(error(&flipped, Format::Xlsx).code(), "BROKEN_FILE");
    let out_of_order =
        row(3, &["Ada", "a@example.com", "1"]) + &row(2, &["Bob", "b@example.com", "2"]);
    assert_eq!(refused(&people(&out_of_order)).code(), "BROKEN_FILE");
}

#[test]
fn archive_without_a_workbook_is_refused() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(
        "word/document.xml",
        zip::write::SimpleFileOptions::default(),
    )
    .expect("a part");
    zip.write_all(b"<document/>").expect("bytes");
    let bytes = zip.finish().expect("an archive").into_inner();
    assert_eq!(error(&bytes, Format::Xlsx).code(), "UNKNOWN_FORMAT");
}

#[test]
fn encrypted_archive_is_refused() {
    let mut bytes = people("").pack();
    // Sets the encryption bit in each local header and in each central directory entry.
    for index in 0..bytes.len() - 10 {
        match &bytes[index..index + 4] {
            b"PK\x03\x04" => bytes[index + 6] |= 1,
            b"PK\x01\x02" => bytes[index + 8] |= 1,
            _ => {}
        }
    }
    assert_eq!(error(&bytes, Format::Xlsx).code(), "ENCRYPTED_FILE");
}

#[test]
fn reader_can_be_dropped_before_the_end() {
    let many: String = (2..2_000)
        .map(|number| row(number, &["Ada", "a@example.com", "1"]))
        .collect();
    let mut reader = open_within(&people(&many).pack(), Format::Xlsx, Limits::default())
        .expect("the file opens");
    assert!(reader.next().is_some_and(|row| row.is_ok()));
    assert_eq!(reader.columns().count(), 3);
    drop(reader);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn damaged_bytes_never_panic(at in any::<prop::sample::Index>(), flips in proptest::collection::vec(any::<(prop::sample::Index, u8)>(), 1..6)) {
        let mut bytes = people(&row(2, &["Ada", "a@example.com", "1"])).pack();
        for (position, value) in &flips {
            let position = position.index(bytes.len());
            bytes[position] = *value;
        }
        bytes.truncate(at.index(bytes.len() * 4).max(1));
        if let Ok(reader) = open_within(&bytes, Format::Xlsx, Limits::default()) {
            prop_assert!(reader.count() <= 2);
        }
    }

    #[test]
    fn any_sheet_xml_is_read_or_refused(parts in proptest::collection::vec(proptest::sample::select(vec![
        "<row>", "</row>", "<row r=\"3\">", "<c>", "</c>", "<c r=\"B2\">", "<c r=\"ZZZZZZZZ9\" t=\"s\">", "<v>", "</v>", "1", "-1e999",
        "<is>", "</is>", "<t>", "</t>", "x", "&#0;", "&x;", "<![CDATA[y]]>", "<c t=\"b\">", "<c t=\"e\">", "#N/A", "<!--", "-->",
    ]), 0..20)) {
        if let Ok(reader) = open_within(&people(&parts.concat()).pack(), Format::Xlsx, Limits::default()) {
            prop_assert!(reader.count() <= parts.len() + 1);
        }
    }
}

/// If many sheets refer to one part, the byte limit stops reading before all sheets are read.
#[test]
fn repeated_references_to_one_part_are_limited_by_bytes_read() {
    let blank = "<row></row>".repeat(20_000);
    let mut workbook = Workbook::of(&blank);
    let sheets: String = (0..200)
        .map(|n| format!(r#"<sheet name="{n}" sheetId="{n}" r:id="s1"/>"#))
        .collect();
    workbook.properties = Box::leak(format!("<sheets>{sheets}</sheets>").into_boxed_str());
    let limits = Limits {
        max_inflated_bytes: 1 << 20,
        ..Limits::default()
    };
    let message = open_within(&workbook.pack(), Format::Xlsx, limits)
        .map(drop)
        .expect_err("refused");
    assert_eq!(message.code(), "BROKEN_FILE");
    // A single sheet of that size is read to its end.
    workbook.properties = r#"<sheets><sheet name="a" sheetId="1" r:id="s1"/></sheets>"#;
    let message = open_within(&workbook.pack(), Format::Xlsx, limits)
        .map(drop)
        .expect_err("blank");
    assert_eq!(message.code(), "EMPTY_FILE");
}

#[test]
fn number_of_relationships_of_a_part_is_limited() {
    let mut workbook = people(&row(2, &["Ada", "a@example.com", "1"]));
    let many = "<Relationship/>".repeat(10_001);
    workbook.extra.push((
        "xl/_rels/WORKBOOK.xml.rels",
        format!("<Relationships>{many}</Relationships>").into(),
    ));
    assert_eq!(refused(&workbook).code(), "BROKEN_FILE");
}
