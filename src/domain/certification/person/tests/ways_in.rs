//! Tests with values that programs damaged or left behind.

use super::*;

fn parts(first: &str, last: &str) -> RawPerson {
    RawPerson {
        full_name: None,
        first_name: Some(first.to_owned()),
        last_name: Some(last.to_owned()),
        ..raw("", "1", "a@example.com")
    }
}

#[test]
fn misread_and_quoted_names_are_rejected() {
    for (name, code) in [
        ("JosŽ Mu–oz", "MISREAD_TEXT"),
        ("JosÃ© MuÃ±oz", "MISREAD_TEXT"),
        ("€ванов €ван", "MISREAD_TEXT"),
        ("\"Full Quoted\"", "STRAY_QUOTE"),
        ("Ana \"Rojas", "STRAY_QUOTE"),
        ("=A1&B1", "INVALID_NAME"),
        ("Ana _x000D_", "INVALID_NAME"),
        ("Sin nombre", "REQUIRED"),
        ("Ana null", "INVALID_NAME"),
        ("[object Object]", "INVALID_NAME"),
        ("{{name}}", "INVALID_NAME"),
    ] {
        assert_eq!(
            codes(raw(name, "1", "a@example.com")),
            [("fullName", code)],
            "{name}"
        );
    }
    let person = raw("Ana \"Nena\" Rojas", "1", "a@example.com")
        .check(true)
        .expect("a nickname");
    assert_eq!(person.full_name.reveal_str(), "Ana \"Nena\" Rojas");
}

#[test]
fn document_numbers_changed_by_a_spreadsheet_program_are_rejected() {
    for (number, code) in [
        ("=12", "FORMULA_TEXT"),
        ("2025-12-01", "DATE_CELL"),
        ("1,02E+15", "NUMBER_ROUNDED"),
        ("1.02e15", "NUMBER_ROUNDED"),
        ("12345678.0", "NUMBER_FORMATTED"),
        ("12345678,00", "NUMBER_FORMATTED"),
        ("12,345,678", "NUMBER_FORMATTED"),
        ("TRUE", "BOOLEAN_CELL"),
        ("VERDADERO", "BOOLEAN_CELL"),
        ("\"q\"", "STRAY_QUOTE"),
        ("12_x000D_", "FORBIDDEN_CHARACTER"),
    ] {
        assert_eq!(
            codes(raw("Ada", number, "a@example.com")),
            [("documentNumber", code)],
            "{number}"
        );
    }
}

#[test]
fn escapes_and_quotes_in_other_texts_are_rejected() {
    let with = |country: &str| RawPerson {
        country: Some(country.to_owned()),
        document_type: Some("_x000A_DNI".to_owned()),
        gender: Some("\"F\"".to_owned()),
        ..raw("Ada", "1", "a@example.com")
    };
    assert_eq!(
        codes(with("Perú_x000D_")),
        [
            ("country", "FORBIDDEN_CHARACTER"),
            ("documentType", "FORBIDDEN_CHARACTER"),
            ("gender", "STRAY_QUOTE"),
        ]
    );
    assert_eq!(
        codes(RawPerson {
            country: Some("my_x_file".to_owned()),
            ..raw("Ada", "1", "a@example.com")
        }),
        []
    );
}

#[test]
fn placeholders_in_a_name_are_omitted_or_rejected() {
    for (first, last) in [
        ("Sukarno", "No tiene"),
        ("Sukarno", "(sin apellido)"),
        ("Sukarno", "s/a"),
        ("Sukarno", "LNU"),
        ("FNU", "Sukarno"),
        ("Sukarno", "n/a"),
        ("Sukarno", "Ninguno"),
    ] {
        let person = parts(first, last)
            .check(true)
            .expect("a person with one name");
        assert_eq!(person.full_name.reveal_str(), "Sukarno", "{first} {last}");
    }
    for last in ["NULL", "null", "0", "x", "XXX", "undefined", "None", "NaN"] {
        assert_eq!(
            codes(parts("Ana", last)),
            [("lastName", "INVALID_NAME")],
            "{last}"
        );
    }
    assert_eq!(
        codes(parts("undefined", "Rojas")),
        [("firstName", "INVALID_NAME")]
    );
    for (first, last) in [
        ("Jennifer", "Null"),
        ("JENNIFER", "NULL"),
        ("Malcolm", "X"),
        ("Nan", "Wang"),
    ] {
        let person = parts(first, last).check(true).expect("a name");
        assert_eq!(person.full_name.reveal_str(), format!("{first} {last}"));
    }
}
