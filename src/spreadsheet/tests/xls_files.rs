//! Valid and malicious XLS files.

use std::io::Cursor;

use calamine::{Data, Reader as _};
use proptest::prelude::*;

use super::super::fixture::biff::{
    Xls, contain, formula, label, number, record, shared, string, truth_or_error,
};
use super::super::fixture::{briefs, error, open_bytes, open_within};
use super::super::{Format, Limits, SheetError};

const HEADER: &[&str] = &["Nombre completo", "Correo", "Documento"];

fn people(more: Vec<u8>) -> Xls {
    Xls::of([Xls::row(0, HEADER), more].concat())
}

fn xls(workbook: &Xls) -> Vec<String> {
    briefs(&workbook.pack(), Format::Xls)
}

fn refused(workbook: &Xls) -> SheetError {
    error(&workbook.pack(), Format::Xls)
}

fn ada(row: u16) -> Vec<u8> {
    Xls::row(row, &["Ada", "a@example.com", "007"])
}

/// Returns an SST record with the first part and a CONTINUE record with each further part.
fn strings(parts: &[&[u8]]) -> Vec<u8> {
    let first = record(0x00FC, &[&[0; 8], parts[0]].concat());
    parts[1..]
        .iter()
        .fold(first, |all, part| [all, record(0x003C, part)].concat())
}

/// Returns format records. Style 1 is a date, 2 has eight digits, 3 is an elapsed time.
fn formats() -> Vec<u8> {
    let format =
        |id: u16, code: &str| record(0x041E, &[id.to_le_bytes().to_vec(), string(code)].concat());
    let style = |format: u16| {
        record(
            0x00E0,
            &[&[0, 0], &format.to_le_bytes()[..], &[0; 16]].concat(),
        )
    };
    [
        format(164, "00000000"),
        format(165, "[h]:mm"),
        style(0),
        style(14),
        style(164),
        style(165),
    ]
    .concat()
}

#[test]
fn labels_and_blank_rows_are_read_in_small_and_large_files() {
    let workbook = people(
        [
            Xls::row(1, &["Ада", "a@example.com", "007"]),
            Xls::row(8, &["B", "b@example.com", "2"]),
        ]
        .concat(),
    );
    assert!(workbook.stream().len() < 4_096, "stored in mini sectors");
    let expected = ["2 Ада|007|a@example.com", "9 B|2|b@example.com"];
    assert_eq!(xls(&workbook), expected);
    let mut padded = people(
        [
            Xls::row(1, &["Ада", "a@example.com", "007"]),
            Xls::row(8, &["B", "b@example.com", "2"]),
        ]
        .concat(),
    );
    padded.globals = record(0x0001, &[0; 8_000]);
    assert_eq!(xls(&padded), expected);
}

#[test]
fn numbers_dates_and_formula_results_are_read() {
    let mut workbook = people(
        [
            label(1, 0, "Ada"),
            label(1, 1, "a@example.com"),
            number(1, 2, 0, 1.2e10),
            label(2, 0, "Bea"),
            formula(2, 1, [0, 0, 0, 0, 0, 0, 0xFF, 0xFF]),
            record(0x0207, &string("b@example.com")),
            number(2, 2, 1, 45_943.0),
            label(3, 0, "Cleo"),
            label(3, 1, "c@example.com"),
            number(3, 2, 2, 1_234.0),
            label(4, 0, "Dora"),
            label(4, 1, "d@example.com"),
            formula(4, 2, 77.0_f64.to_le_bytes()),
            label(5, 0, "Eve"),
            label(5, 1, "e@example.com"),
            // 123 and 4.56 in one MulRk record. The second number is in a column without a field.
            record(
                0x00BD,
                &[5, 0, 2, 0, 0, 0, 0xEE, 1, 0, 0, 0, 0, 0x23, 7, 0, 0, 3, 0],
            ),
        ]
        .concat(),
    );
    workbook.globals = formats();
    let expected = vec![
        "2 Ada|12000000000|a@example.com",
        "3 Documento:DATE_CELL",
        "4 Cleo|00001234|c@example.com",
        "5 Dora|77|d@example.com",
        "6 Eve|123|e@example.com",
    ];
    assert_eq!(xls(&workbook), expected);
    workbook.globals.extend(record(0x0022, &[1, 0]));
    assert_eq!(
        super::written(&workbook.pack(), Format::Xls)[1][2],
        "2029-10-14",
        "the 1904 date system"
    );
}

#[test]
fn shared_string_is_continued_in_the_next_record() {
    // "Ada" is split after "A" and continues with 1 byte per code unit. A rich string and a string
    // with a phonetic guide follow.
    let cut: &[u8] = &[3, 0, 1, b'A', 0];
    let rest = [
        &[0, b'd', b'a'][..],
        &[1, 0, 8, 1, 0, b'7', 9, 9, 9, 9],
        &[2, 0, 4, 2, 0, 0, 0, b'a', b'@', 8, 8],
    ]
    .concat();
    let mut workbook = people(
        [
            shared(1, 0, 0),
            label(1, 1, "a@example.com"),
            shared(1, 2, 1),
            shared(1, 3, 2),
        ]
        .concat(),
    );
    workbook.globals = strings(&[cut, &rest]);
    assert_eq!(xls(&workbook), ["2 Ada|7|a@example.com"]);
    workbook.sheets[0].2.extend(shared(2, 0, 3));
    assert_eq!(refused(&workbook).code(), "BROKEN_FILE");
}

#[test]
fn boolean_error_and_rounded_cells_are_errors_of_their_row() {
    let workbook = people(
        [
            truth_or_error(1, 0, 1, false),
            truth_or_error(1, 1, 0x2A, true),
            number(1, 2, 0, 1_234_567_890_123_456.0),
            // Error code that the format doesn't define.
            label(2, 0, "Ada"),
            truth_or_error(2, 1, 99, true),
            label(2, 2, "1"),
            ada(3),
        ]
        .concat(),
    );
    assert_eq!(
        xls(&workbook),
        [
            "2 Nombre completo:BOOLEAN_CELL Documento:NUMBER_ROUNDED Correo:ERROR_CELL",
            "3 Correo:ERROR_CELL",
            "4 Ada|007|a@example.com",
        ]
    );
}

#[test]
fn the_first_visible_sheet_with_the_headers_is_read() {
    let mut workbook = people(ada(1));
    workbook
        .sheets
        .insert(0, ("Cover", 0, Xls::row(0, &["Course of 2026"])));
    workbook.sheets.insert(
        0,
        (
            "Old",
            1,
            [
                Xls::row(0, HEADER),
                Xls::row(1, &["Hidden", "h@example.com", "2"]),
            ]
            .concat(),
        ),
    );
    // A chart embedded in the sheet has records that look like cells.
    let chart = [
        record(0x0809, &[0; 16]),
        number(7, 0, 0, 1.0),
        record(0x000A, &[]),
    ]
    .concat();
    workbook.sheets[2].2.extend(chart);
    assert_eq!(xls(&workbook), ["2 Ada|007|a@example.com"]);
    workbook.sheets.truncate(2);
    assert_eq!(refused(&workbook).code(), "MISSING_COLUMNS");
}

#[test]
fn declared_sizes_do_not_allocate_memory() {
    // Dimensions of 2^32 rows and all columns, for which other readers allocate memory.
    let dimensions = record(
        0x0200,
        &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0, 0],
    );
    let mut workbook = Xls::of([dimensions, Xls::row(0, HEADER), ada(1), ada(65_535)].concat());
    assert_eq!(
        xls(&workbook),
        ["2 Ada|007|a@example.com", "65536 Ada|007|a@example.com"]
    );
    workbook.sheets[0].2.extend(label(65_535, 256, "far"));
    assert_eq!(refused(&workbook).code(), "TOO_MANY_COLUMNS");
    // Two billion strings are declared, but the record has only one.
    workbook.globals = record(
        0x00FC,
        &[
            0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 1, 0, 0, b'x',
        ],
    );
    workbook.sheets[0].2 = [Xls::row(0, HEADER), ada(1)].concat();
    assert_eq!(xls(&workbook), ["2 Ada|007|a@example.com"]);
}

#[test]
fn too_long_text_is_one_row_error() {
    let long = "x".repeat(32_000);
    let mut workbook = people([shared(1, 0, 0), shared(1, 1, 0), shared(1, 2, 0), ada(2)].concat());
    let text = string(&long);
    let (first, rest) = text.split_at(8_003);
    let rest: Vec<Vec<u8>> = rest
        .chunks(8_000)
        .map(|part| [&[1], part].concat())
        .collect();
    let parts: Vec<&[u8]> = std::iter::once(first)
        .chain(rest.iter().map(Vec::as_slice))
        .collect();
    workbook.globals = strings(&parts);
    assert_eq!(
        xls(&workbook)[0],
        "2 Nombre completo:TOO_LONG Documento:TOO_LONG Correo:TOO_LONG"
    );
    assert_eq!(xls(&workbook)[1], "3 Ada|007|a@example.com");
}

#[test]
fn file_beyond_the_xls_limits_is_refused() {
    let bytes = people([ada(1), ada(3)].concat()).pack();
    let code = |limits| {
        let reader = open_within(&bytes, Format::Xls, limits)?;
        reader.collect::<Result<Vec<_>, _>>()
    };
    let usual = Limits::default();
    assert_eq!(code(usual).expect("two rows").len(), 2);
    assert_eq!(
        code(Limits {
            max_rows: 1,
            ..usual
        })
        .expect_err("two rows")
        .code(),
        "TOO_MANY_ROWS"
    );
    assert_eq!(
        code(Limits {
            max_columns: 2,
            ..usual
        })
        .expect_err("three columns")
        .code(),
        "TOO_MANY_COLUMNS"
    );
    assert_eq!(
        code(Limits {
            max_bytes: 99,
            ..usual
        })
        .expect_err("more bytes")
        .code(),
        "FILE_TOO_LARGE"
    );
}

#[test]
fn other_office_files_are_refused_with_a_reason() {
    let message = error(&contain("WordDocument", &[7; 5_000]), Format::Xls);
    assert_eq!(
        (
            message.code(),
            message.to_string().contains("without a workbook")
        ),
        ("UNKNOWN_FORMAT", true),
        "{message}"
    );
    assert_eq!(
        error(&contain("EncryptedPackage", &[7; 5_000]), Format::Xls).code(),
        "ENCRYPTED_FILE"
    );
    assert!(
        error(&contain("Book", &[7; 5_000]), Format::Xls)
            .to_string()
            .contains("before 1997")
    );
    let mut older = people(ada(1));
    older.version = 0x0500;
    assert!(refused(&older).to_string().contains("before 1997"));
    let mut locked = people(ada(1));
    locked.globals = record(0x002F, &[1, 0, 1, 0]);
    assert_eq!(refused(&locked).code(), "ENCRYPTED_FILE");
}

#[test]
fn damaged_workbook_is_refused() {
    let whole = people(ada(1)).pack();
    for end in [0, 511, 512, 600, whole.len() - 600] {
        let code = open_bytes(&whole[..end], Format::Xls)
            .err()
            .map_or("read", |error| error.code());
        assert!(
            ["EMPTY_FILE", "BROKEN_FILE"].contains(&code),
            "{end}: {code}"
        );
    }
    let out_of_order = people([ada(3), ada(2)].concat());
    assert_eq!(refused(&out_of_order).code(), "BROKEN_FILE");
    let endless = people(record(0x0204, &[1, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, b'x']));
    assert_eq!(refused(&endless).code(), "BROKEN_FILE");
}

/// Tests cyclic sector chains in each of the container's tables.
#[test]
fn cyclic_sector_chain_does_not_cause_an_endless_loop() {
    let mut workbook = people(ada(1));
    workbook.globals = record(0x0001, &[0; 8_000]);
    let whole = workbook.pack();
    let table = whole.len() - 512;
    let content = workbook.stream().len().div_ceil(512);
    for sector in 0..=content {
        let mut bytes = whole.clone();
        bytes[table + sector * 4..][..4].copy_from_slice(&0_u32.to_le_bytes());
        // The stream's length limits the chain. With sectors in the wrong order, the file may be
        // read or rejected.
        let _ = open_bytes(&bytes, Format::Xls).map(Iterator::count);
    }
    // The list of table sectors is cyclic.
    let mut bytes = whole.clone();
    bytes[68..72].copy_from_slice(&1_u32.to_le_bytes());
    assert!(
        open_bytes(&bytes, Format::Xls).is_ok(),
        "no more tables are read than the file can need"
    );
    // The declared length of the stream exceeds the file.
    let length = 512 + content * 512 + 128 + 120;
    let mut bytes = whole;
    bytes[length..length + 4].copy_from_slice(&0xFFFF_FFF0_u32.to_le_bytes());
    assert_eq!(error(&bytes, Format::Xls).code(), "BROKEN_FILE");
}

/// Reads a file written by xlwt 1.3.0 with `src/spreadsheet/tests/people_xls.py`.
#[test]
fn file_written_by_xlwt_is_read() {
    let bytes = include_bytes!("people.xls");
    assert_eq!(
        briefs(bytes, Format::Xls),
        [
            "2 José Muñoz|00012345|jose@example.com",
            "3 Número documento:DATE_CELL",
            "4 Ada Lovelace|12345678901|ada@example.com",
            "5 Nguyễn Thị Ánh|007|anh@example.com",
            "6 -:ERROR_CELL".replace('-', "Correo electrónico").as_str(),
        ]
    );
}

fn calamines_text(data: &Data) -> String {
    match data {
        Data::Empty => String::new(),
        Data::String(text) => text.clone(),
        Data::Float(number) => number.to_string(),
        Data::Int(number) => number.to_string(),
        other => other.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_cells_are_read_as_by_calamine(
        cells in proptest::collection::vec((prop_oneof!["[a-zñéλж ]{4,9}".prop_map(Ok), (-1e9_f64..1e9).prop_map(Err), (1_000_000..9_000_000_i32).prop_map(|n| Err(n.into()))], 0_u16..4), 1..30),
    ) {
        let mut records = Xls::row(0, &["name", "email", "documento", "note"]);
        for (row, (cell, column)) in (1..).zip(&cells) {
            records.extend(match cell {
                Ok(text) => label(row, *column, text),
                Err(value) => number(row, *column, 0, *value),
            });
        }
        let bytes = Xls::of(records).pack();
        let mut theirs = calamine::Xls::new(Cursor::new(&bytes[..])).expect("calamine opens it");
        let theirs = theirs.worksheet_range("People").expect("the sheet is there");
        let theirs: Vec<Vec<String>> = theirs.rows().skip(1)
            .map(|row| row.iter().map(calamines_text).filter(|text| !text.trim().is_empty()).collect::<Vec<_>>())
            .filter(|row: &Vec<String>| !row.is_empty()).collect();
        let ours: Vec<Vec<String>> = super::written(&bytes, Format::Xls);
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn damaged_bytes_never_panic(
        is_large: bool,
        at in any::<prop::sample::Index>(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut workbook = people([ada(1), shared(2, 0, 0), number(2, 2, 1, 7.0)].concat());
        workbook.globals = [formats(), strings(&[&[3, 0, 8, 1, 0, b'A', b'd', b'a', 0, 0, 0, 0]])].concat();
        if is_large {
            workbook.globals.extend(record(0x0001, &[0; 6_000]));
        }
        let mut bytes = workbook.pack();
        for (position, value) in &flips {
            let position = position.index(bytes.len());
            bytes[position] = *value;
        }
        bytes.truncate(at.index(bytes.len() * 4).max(1));
        if let Ok(reader) = open_bytes(&bytes, Format::Xls) {
            prop_assert!(reader.count() <= 3);
        }
    }
}
