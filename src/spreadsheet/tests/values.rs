//! Cell values that spreadsheet programs have changed, and placeholders.

use super::super::fixture::{Workbook, briefs, open_chosen, row, rows};
use super::super::{Format, RowOutcome};
use crate::domain::certification::reading::Reading;

fn csv(text: &str) -> Vec<String> {
    briefs(text.as_bytes(), Format::Csv)
}

#[test]
fn document_numbers_changed_by_a_program_are_row_errors() {
    let changed = [
        ("12345678.0", "NUMBER_FORMATTED"),
        ("\"12345678,00\"", "NUMBER_FORMATTED"),
        ("\"12,345,678\"", "NUMBER_FORMATTED"),
        ("1.02e15", "NUMBER_ROUNDED"),
        ("TRUE", "BOOLEAN_CELL"),
        ("VERDADERO", "BOOLEAN_CELL"),
        ("#REF!", "ERROR_CELL"),
        ("3-may", "DATE_CELL"),
    ];
    for (document, code) in changed {
        let found = csv(&format!(
            "Nombre,Correo,DNI\nAna Rojas,a@example.org,{document}\n"
        ));
        assert_eq!(found, [format!("2 DNI:{code}")], "{document}");
    }
    assert_eq!(
        csv("Nombre,Correo,DNI\nAna,a@example.org,12.345.678\n"),
        ["2 Ana|12.345.678|a@example.org"]
    );
}

#[test]
fn surname_placeholders_are_dropped_or_rejected() {
    let text = "Nombre,Primer apellido,Segundo apellido,Correo,DNI\n\
                Ana,Rojas,N/A,a@example.org,1\n\
                Ana,Rojas,No tiene,b@example.org,2\n\
                Ana,Rojas,NULL,c@example.org,3\n\
                Sukarno,(sin apellido),,d@example.org,4\n\
                Sukarno,LNU,,e@example.org,5\n\
                Ana,0,,f@example.org,6\n\
                Ana,x,,g@example.org,7\n\
                Jennifer,Null,,h@example.org,8\n\
                Ana,Rojas_x000D_,,i@example.org,9\n";
    assert_eq!(
        csv(text),
        [
            "2 Ana Rojas|1|a@example.org",
            "3 Ana Rojas|2|b@example.org",
            "4 Primer apellido:INVALID_NAME",
            "5 Sukarno|4|d@example.org",
            "6 Sukarno|5|e@example.org",
            "7 Primer apellido:INVALID_NAME",
            "8 Primer apellido:INVALID_NAME",
            "9 Jennifer Null|8|h@example.org",
            "10 Primer apellido:INVALID_NAME",
        ]
    );
}

#[test]
fn first_rows_show_names_without_a_placeholder_surname() {
    let text =
        "Nombre,Apellidos,Correo,DNI\nSukarno,N/A,a@example.org,1\nSuharto,-,b@example.org,2\n";
    let reader = open_chosen(text.as_bytes(), Format::Csv, &Reading::default()).expect("it opens");
    let (_, how) = reader.read_through().expect("it is whole");
    let names = how
        .first_rows
        .iter()
        .map(|row| row.values["fullName"].reveal_str());
    assert_eq!(names.collect::<Vec<_>>(), ["Sukarno", "Suharto"]);
    let found = rows(text.as_bytes(), Format::Csv);
    let RowOutcome::Person { raw, .. } = &found[0].outcome else {
        panic!("a person with one name")
    };
    assert!(
        raw.pairs().any(|(_, value)| value.reveal_str() == "N/A"),
        "the row is kept as written"
    );
}

#[test]
fn escapes_are_decoded_in_workbooks_and_rejected_elsewhere() {
    let cells = format!(
        "{}{}",
        row(1, &["Nombre", "Correo", "DNI"]),
        row(2, &["Jos_x00E9_ Mora", "j@example.org", "1"]),
    );
    let book = Workbook::of(&cells).pack();
    assert_eq!(briefs(&book, Format::Xlsx), ["2 José Mora|1|j@example.org"]);
    assert_eq!(
        csv("Nombre,Correo,DNI\nJos_x00E9_ Mora,j@example.org,1\nAna,a@example.org,12_x000D_\n"),
        ["2 Nombre:INVALID_NAME", "3 DNI:FORBIDDEN_CHARACTER"]
    );
}
