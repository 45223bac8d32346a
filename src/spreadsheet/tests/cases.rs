//! Files that caused problems in practice. `tests/cases/README.md` describes each one.

use std::path::Path;

use super::super::fixture::{brief, open_chosen};
use super::super::{Format, HowRead, SheetError, SheetFate, SheetRow, sniff};
use crate::domain::certification::reading::Reading;

fn file(name: &str) -> (Vec<u8>, Format) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let format = sniff(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    (bytes, format)
}

fn rows(name: &str, reading: &Reading) -> Result<Vec<SheetRow>, SheetError> {
    let (bytes, format) = file(name);
    open_chosen(&bytes, format, reading)?.collect()
}

fn briefs(name: &str) -> Vec<String> {
    let rows = rows(name, &Reading::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    rows.iter().map(brief).collect()
}

fn how(name: &str, reading: &Reading) -> (u32, HowRead) {
    let (bytes, format) = file(name);
    let reader =
        open_chosen(&bytes, format, reading).unwrap_or_else(|error| panic!("{name}: {error}"));
    reader
        .read_through()
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn in_encoding(label: &str) -> Reading {
    Reading {
        encoding: Some(label.to_owned()),
        ..Reading::default()
    }
}

#[test]
fn case_01_google_forms_export_is_read() {
    let name = "01-google-forms-es.csv";
    assert_eq!(
        briefs(name),
        [
            "2 Ana Rojas Peña|1020304050|ana.rojas@example.org",
            "3 Luis Mora Díaz|79123456|luis.mora@example.org"
        ]
    );
    let (_, how) = how(name, &Reading::default());
    assert_eq!(how.columns[0], ("Marca temporal".to_owned(), None));
    assert_eq!(how.columns[1].1, Some("email"));
    assert_eq!(
        how.first_rows[0].values["fullName"].reveal_str(),
        "Ana Rojas Peña"
    );
}

#[test]
fn case_02_latin_american_headers_are_recognised() {
    assert_eq!(
        briefs("02-latin-american-headers.csv"),
        [
            "2 ROJAS PEÑA Ana|1020304050|ana.rojas@example.org",
            "3 MORA DÍAZ Luis|79123456|luis.mora@example.org"
        ]
    );
}

#[test]
fn case_e03_two_given_names_and_both_surnames_are_read() {
    assert_eq!(
        briefs("e03-nombres-primer-segundo.csv"),
        ["2 Ana María Rojas Peña|1020304050|ana.rojas@example.org"]
    );
}

#[test]
fn case_04_rows_without_trailing_delimiters_are_read() {
    assert_eq!(
        briefs("04-excel-drops-trailing-delimiters.csv"),
        [
            "2 Ana Rojas|1020304050|ana.rojas@example.org",
            "3 Luis Mora|79123456|luis.mora@example.org",
            "4 Eva Gil|X-7788|eva.gil@example.org",
            "5 Tom Ruiz|5566778|tom.ruiz@example.org",
        ]
    );
    assert_eq!(
        briefs("04-outlook-header-longer.csv"),
        [
            "2 Ana Rojas|1020304050|ana.rojas@example.org",
            "3 Luis Mora|79123456|luis.mora@example.org"
        ]
    );
}

#[test]
fn case_05_quoted_separator_line_is_skipped() {
    assert_eq!(
        briefs("05-sep-quoted.csv"),
        ["2 Ana Rojas|1020304050|ana.rojas@example.org"]
    );
}

#[test]
fn case_06_macroman_is_refused_until_the_encoding_is_given() {
    let name = "06-excel-mac-macroman.csv";
    let error = rows(name, &Reading::default()).expect_err("the encoding is never guessed");
    assert_eq!(error.code(), "MISREAD_TEXT");
    let output = error.for_uploader();
    assert!(
        output.contains("encoding=macintosh reads \"José Muñoz Ibáñez\""),
        "{output}"
    );
    assert!(output.contains("\"Nombre completo\""), "{output}");
    assert!(!format!("{error} {error:?}").contains("oz"), "{error:?}");
    let read = rows(name, &in_encoding("macintosh")).expect("it is MacRoman");
    assert_eq!(
        read.iter().map(brief).collect::<Vec<_>>(),
        [
            "2 José Muñoz Ibáñez|1020304050|jose.munoz@example.org",
            "3 Sofía Güell|79123456|sofia.guell@example.org"
        ]
    );
}

#[test]
fn case_07_cyrillic_is_detected_and_dos_is_refused_until_given() {
    let name = "07-cp1251-russian.csv";
    assert_eq!(
        briefs(name),
        [
            "2 Иванов Иван|4509123456|ivanov@example.org",
            "3 Щукина Юлия|4510654321|shchukina@example.org",
        ]
    );
    let (_, how) = how(name, &Reading::default());
    assert_eq!(how.encoding.map(|(label, _)| label), Some("windows-1251"));
    assert_eq!(
        how.guessed_names[0].values["fullName"].reveal_str(),
        "Иванов Иван"
    );

    let name = "07-cp850-dos.csv";
    let error = rows(name, &Reading::default()).expect_err("the encoding is never guessed");
    assert_eq!(error.code(), "MISREAD_TEXT");
    let output = error.for_uploader();
    assert!(
        output.contains("encoding=ibm850 reads \"José Muñoz Ibáñez\""),
        "{output}"
    );
    let read = rows(name, &in_encoding("cp850")).expect("it is code page 850");
    assert_eq!(
        read.iter().map(brief).collect::<Vec<_>>(),
        [
            "2 José Muñoz Ibáñez|1020304050|jose.munoz@example.org",
            "3 Begoña Ávila|79123456|begona.avila@example.org"
        ]
    );
}

#[test]
fn case_08_rounded_document_numbers_are_rejected() {
    let column = "Número de documento:NUMBER_ROUNDED";
    assert_eq!(
        briefs("08-scientific-documents.csv"),
        [
            format!("2 {column}"),
            format!("3 {column}"),
            format!("4 {column}"),
            "5 Tom Ruiz|3E5678|tom.ruiz@example.org".to_owned(),
        ]
    );
}

#[test]
fn case_09_text_written_as_a_formula_is_read_as_text() {
    assert_eq!(
        briefs("09-equals-quoted.csv"),
        [
            "2 Ana Rojas|0012345|ana.rojas@example.org",
            "3 Luis Mora|0079123|luis.mora@example.org"
        ]
    );
}

#[test]
fn case_10_leading_apostrophes_are_removed() {
    assert_eq!(
        briefs("10-apostrophes.csv"),
        [
            "2 Ana Rojas|00123456|ana.rojas@example.org",
            "3 Luis Mora|79123456|luis.mora@example.org",
            "4 -Eva Gil|+5566|eva.gil@example.org",
            "5 d’Artagnan Rey|00123456|dartagnan@example.org",
        ]
    );
}

#[test]
fn case_11_quoted_field_after_a_space_is_read() {
    let read = briefs("11-space-before-quote.csv");
    assert_eq!(read[0], "2 Ana Rojas|1020304050|ana.rojas@example.org");
    // "Mora, Luis" is in the column of e-mail addresses.
    assert_eq!(read[1], "3 Correo:INVALID_EMAIL");
    assert_eq!(read[2], "4 Eva Gil|5566|eva.gil@example.org");
}

#[test]
fn case_13_rows_with_only_empty_check_boxes_are_blank() {
    let name = "13-checkbox-rows.csv";
    assert_eq!(
        briefs(name),
        [
            "2 Ana Rojas|1020304050|ana.rojas@example.org",
            "3 Luis Mora|79123456|luis.mora@example.org"
        ]
    );
    let (rows, how) = how(name, &Reading::default());
    assert_eq!((rows, how.blank_rows), (2, 58));
}

#[test]
fn case_20_formulas_without_a_result_are_rejected() {
    assert_eq!(
        briefs("20-formulas-never-calculated.xlsx"),
        [
            "2 Nombre completo:NOT_CALCULATED País:NOT_CALCULATED",
            "3 País:NOT_CALCULATED Correo:NOT_CALCULATED",
        ]
    );
    let read = briefs("20-formulas-never-calculated.xls");
    assert!(read[0].contains("NOT_CALCULATED"), "{read:?}");
    assert_eq!(read.len(), 2);
}

#[test]
fn case_21_escapes_in_formula_results_are_decoded() {
    assert_eq!(
        briefs("21-escapes-in-formula-results.xlsx"),
        [
            "2 Ana Rojas|1020304050|ana.rojas@example.org",
            "3 Nombre completo:FORBIDDEN_CHARACTER",
            "4 Eva Gil|5566|eva.gil@example.org",
        ]
    );
}

#[test]
fn case_25_workbook_parts_in_utf_16_are_read() {
    assert_eq!(
        briefs("25-utf16-parts.xlsx"),
        ["2 Ana Rojas|1020304050|ana.rojas@example.org"]
    );
}

#[test]
fn case_26_filtered_rows_are_skipped_unless_requested() {
    let name = "26-filtered-rows.xlsx";
    let shown = [
        "2 Ana Rojas|1020304050|ana.rojas@example.org",
        "4 Luis Mora|79123456|luis.mora@example.org",
    ];
    assert_eq!(briefs(name), shown);
    let (_, how_read) = how(name, &Reading::default());
    assert_eq!(
        (how_read.hidden.count, how_read.hidden.are_read),
        (1, false)
    );
    assert_eq!(how_read.hidden.rows, [(Some("Lista".to_owned()), 3)]);

    let all = Reading {
        hidden_rows: true,
        ..Reading::default()
    };
    let read = rows(name, &all).expect("readable");
    assert_eq!(
        read.iter().map(brief).collect::<Vec<_>>(),
        [
            shown[0],
            "3 No Asistió|111|no.asistio@example.org",
            shown[1]
        ]
    );
    assert!(how(name, &all).1.hidden.are_read);
}

#[test]
fn case_27_first_matching_sheet_is_read_unless_all_are_requested() {
    let name = "27-three-days.xlsx";
    assert_eq!(briefs(name), ["2 Persona A|9000|persona0@example.org"]);
    let fates = |reading: &Reading| -> Vec<SheetFate> {
        how(name, reading)
            .1
            .sheets
            .into_iter()
            .map(|sheet| sheet.fate)
            .collect()
    };
    use SheetFate::{NoHeaders, NotChosen, Read};
    assert_eq!(
        fates(&Reading::default()),
        [NoHeaders, Read, NotChosen, NotChosen]
    );

    let all = Reading {
        sheets: Some("all".to_owned()),
        ..Reading::default()
    };
    assert_eq!(fates(&all), [NoHeaders, Read, Read, Read]);
    let read = rows(name, &all).expect("readable");
    // Row numbers continue across sheets, so that each is unique. Messages use the number in the
    // sheet.
    assert_eq!(
        read.iter().map(|row| row.row).collect::<Vec<_>>(),
        [2, 4, 6]
    );
    let places: Vec<_> = read
        .iter()
        .map(|row| match &row.outcome {
            super::super::RowOutcome::Person { raw, .. } => {
                (raw.sheet().map(str::to_owned), raw.shown_row(row.row))
            }
            super::super::RowOutcome::Rejected { .. } => panic!("a person"),
        })
        .collect();
    assert_eq!(places[2], (Some("Día 3".to_owned()), 2));

    let one = Reading {
        sheets: Some("día 2".to_owned()),
        ..Reading::default()
    };
    assert_eq!(
        rows(name, &one)
            .expect("readable")
            .iter()
            .map(brief)
            .collect::<Vec<_>>(),
        ["2 Persona B|9001|persona1@example.org"]
    );
    let none = Reading {
        sheets: Some("Día 9".to_owned()),
        ..Reading::default()
    };
    let error = rows(name, &none).expect_err("no such sheet");
    assert_eq!(error.code(), "UNKNOWN_SHEET");
    assert!(error.to_string().contains("\"Día 1\""), "{error}");
}

#[test]
fn case_28_document_numbers_stored_as_dates_are_rejected() {
    let name = "28-documents-turned-into-dates.xlsx";
    let column = "Número de documento:DATE_CELL";
    assert_eq!(
        briefs(name),
        [
            format!("2 {column}"),
            format!("3 {column}"),
            format!("4 {column}")
        ]
    );
    let read = rows(name, &Reading::default()).expect("readable");
    let super::super::RowOutcome::Rejected { errors, .. } = &read[0].outcome else {
        panic!("rejected")
    };
    let message = &errors[0].message;
    assert_eq!(errors[0].column.as_deref(), Some("Número de documento"));
    assert!(
        message.contains("date or time") && message.contains("as text"),
        "{message}"
    );
}
