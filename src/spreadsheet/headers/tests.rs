//! Tests with headers as people write them.

use proptest::prelude::*;

use std::collections::BTreeMap;

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use super::*;
use crate::spreadsheet::cell::{Cell, Origin, Record};

const KNOWN: &[(&str, Column)] = &[
    ("nombre completo", Column::FullName),
    ("full name", Column::FullName),
    ("primer nombre", Column::FirstName),
    ("first name", Column::FirstName),
    ("apellido", Column::LastName),
    ("apellidos", Column::LastName),
    ("last name", Column::LastName),
    ("país", Column::Country),
    ("country", Column::Country),
    ("correo", Column::Email),
    ("correo electrónico", Column::Email),
    ("dirección de correo", Column::Email),
    ("email", Column::Email),
    ("e mail", Column::Email),
    ("email address", Column::Email),
    ("tipo documento", Column::DocumentType),
    ("tipo de documento", Column::DocumentType),
    ("document type", Column::DocumentType),
    ("type of document", Column::DocumentType),
    ("número documento", Column::DocumentNumber),
    ("número de documento", Column::DocumentNumber),
    ("nro documento", Column::DocumentNumber),
    ("n.º documento", Column::DocumentNumber),
    ("document number", Column::DocumentNumber),
    ("número document", Column::DocumentNumber),
    ("documento", Column::DocumentNumber),
    ("género", Column::Gender),
    ("gender", Column::Gender),
    ("sexo", Column::Gender),
    ("certificate id", Column::CertificateId),
    ("id certificado", Column::CertificateId),
];

fn map(cells: &[String]) -> Result<HeaderMap, SheetError> {
    super::map(cells, &Reading::default())
}

fn mapped(cells: &[&str], mapping: &[(&str, Option<&str>)]) -> Result<HeaderMap, SheetError> {
    let field =
        |(header, field): &(&str, Option<&str>)| ((*header).to_owned(), field.map(str::to_owned));
    let mapping: BTreeMap<_, _> = mapping.iter().map(field).collect();
    super::map(
        &owned(cells),
        &Reading {
            mapping,
            ..Reading::default()
        },
    )
}

fn owned(headers: &[&str]) -> Vec<String> {
    headers.iter().map(|&header| header.to_owned()).collect()
}

#[test]
fn known_headers_are_recognised_and_others_are_not() {
    for (header, column) in KNOWN {
        assert_eq!(
            recognise(header),
            Some(Meaning::Column(*column)),
            "{header}"
        );
    }
    for unknown in [
        "",
        "notes",
        "certificate",
        "nacionalidad",
        "empresa",
        "n",
        "no",
        "id",
        "tipo",
        "número",
    ] {
        assert_eq!(recognise(unknown), None, "{unknown}");
    }
}

#[test]
fn name_column_is_the_full_name_unless_there_is_a_last_name_column() {
    let alone = map(&owned(&["Name", "Email", "Documento"])).expect("all columns");
    assert_eq!(alone.position(Column::FullName), Some(0));
    let beside = map(&owned(&["Apellidos", "Nombre", "Email", "Documento"])).expect("all columns");
    assert_eq!(
        (
            beside.position(Column::FirstName),
            beside.position(Column::LastName)
        ),
        (Some(1), Some(0))
    );
    let three = map(&owned(&[
        "Name",
        "First name",
        "Last name",
        "Email",
        "Documento",
    ]))
    .expect("all columns");
    assert_eq!(
        (three.position(Column::FullName), three.plain_name),
        (None, Some(0))
    );
}

#[test]
fn missing_columns_are_named_and_found_headers_only_for_the_uploader() {
    let error =
        map(&owned(&["Ana García", "Apellido", "Correo"])).expect_err("columns are missing");
    let SheetError::MissingColumns {
        missing,
        recognised,
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(missing, &["firstName", "documentNumber"]);
    assert_eq!(recognised, &["Apellido", "Correo"]);
    assert!(
        !error.to_string().contains("Ana") && !format!("{error:?}").contains("Ana"),
        "{error:?}"
    );
    assert!(
        error.for_uploader().contains("\"Ana García\""),
        "{}",
        error.for_uploader()
    );
}

fn record(cells: &[&str]) -> Record {
    let cells = cells
        .iter()
        .map(|text| Cell::text((*text).to_owned(), 100))
        .collect();
    Record {
        row: 7,
        cells,
        origin: Origin::Csv,
        is_hidden: false,
        faults: Vec::new(),
    }
}

#[test]
fn duplicate_columns_are_accepted_unless_they_contradict_each_other() {
    let map = map(&owned(&[
        "Name",
        "Correo",
        "Documento",
        " E-mail ",
        "correo",
    ]))
    .expect("all columns");
    for harmless in [
        ["a@x.org", "a@x.org", ""],
        ["a@x.org", "", ""],
        ["", "", "a@x.org"],
        ["A@x.org", " a@X.org ", "a@x.org"],
    ] {
        let [first, second, third] = harmless;
        assert!(
            map.check(&record(&["Ada", first, "1", second, third]))
                .is_ok(),
            "{harmless:?}"
        );
    }
    for (values, other) in [
        (["a@x.org", "b@x.org", ""], "\"E-mail\""),
        (["", "a@x.org", "b@x.org"], "\"correo\""),
    ] {
        let [first, second, third] = values;
        let error = map
            .check(&record(&["Ada", first, "1", second, third]))
            .expect_err("two addresses");
        assert_eq!(error.code(), "DUPLICATE_COLUMNS");
        let message = error.to_string();
        assert!(
            message.contains(other) && message.contains("email") && message.contains("row 7"),
            "{message}"
        );
        assert!(
            message.contains("delete one") && !message.contains("x.org"),
            "{message}"
        );
    }
}

#[test]
fn name_column_that_contradicts_its_parts_is_rejected() {
    let map = map(&owned(&[
        "Nombre",
        "Primer nombre",
        "Apellido",
        "Email",
        "Documento",
    ]))
    .expect("all columns");
    let check = |name, first, last| map.check(&record(&[name, first, last, "a@x.org", "1"]));
    for (name, first, last) in [
        ("Ada Lovelace", "Ada", "Lovelace"),
        ("ADA", "Ada", "Lovelace"),
        ("", "Ada", "Lovelace"),
        ("Ada", "", ""),
    ] {
        assert!(check(name, first, last).is_ok(), "{name} {first} {last}");
    }
    let message = check("Grace", "Ada", "Lovelace")
        .expect_err("two people")
        .to_string();
    assert!(
        message.contains("\"Nombre\"") && message.contains("\"Primer nombre\""),
        "{message}"
    );
}

#[test]
fn blank_headers_get_their_letter_and_trailing_ones_are_dropped() {
    let map = map(&owned(&["Name", "", "Email", "Doc. number", " ", ""])).expect("all columns");
    assert_eq!(map.headers, ["Name", "B", "Email", "Doc. number"]);
    assert_eq!(
        [letter(0), letter(25), letter(26), letter(16_383)],
        ["A", "Z", "AA", "XFD"]
    );
}

/// Varies case, accents and separators of a header, as determined by `choices`.
fn decorate(header: &str, choices: &[u8]) -> String {
    let mut choices = choices.iter().cycle().copied();
    let mut written = String::new();
    for character in header.nfd() {
        let choice = choices.next().unwrap_or(0);
        match character {
            ' ' => written.push_str(
                ["", " ", "_", "-", "  ", ". ", "\u{a0}", "\u{feff}"][usize::from(choice) % 8],
            ),
            mark if is_combining_mark(mark) && choice % 2 == 0 => {}
            letter if choice % 3 == 0 => written.extend(letter.to_uppercase()),
            letter => written.push(letter),
        }
    }
    match choices.next().unwrap_or(0) % 3 {
        0 => written.nfc().collect(),
        1 => format!(" {written}:"),
        _ => format!("\u{feff}{written}\u{a0}:\u{a0}"),
    }
}

proptest! {
    #[test]
    fn header_matching_ignores_case_accents_and_separators(
        index in 0..KNOWN.len(),
        choices in proptest::collection::vec(any::<u8>(), 1..40),
    ) {
        let (header, column) = KNOWN[index];
        let written = decorate(header, &choices);
        prop_assert_eq!(recognise(&written), Some(Meaning::Column(column)), "{}", written);
    }

    #[test]
    fn any_header_is_classified_without_panic(header: String) {
        let is_known = recognise(&header).is_some();
        prop_assert!(!is_known || header.chars().any(char::is_alphanumeric));
        suspicion::suspicion(&header, false);
    }

    #[test]
    fn columns_are_mapped_in_any_order(
        order in Just(owned(&["Full_Name", "notes", "PAÍS", "e-mail", "Tipo documento", "document number"])).prop_shuffle(),
    ) {
        let map = map(&order).expect("all columns");
        for (column, position) in &map.columns {
            prop_assert_eq!(recognise(&order[*position]), Some(Meaning::Column(*column)));
        }
        prop_assert_eq!(map.columns.len(), 5);
    }

    #[test]
    fn any_header_row_maps_or_is_refused(cells in proptest::collection::vec(any::<String>(), 0..12)) {
        if let Ok(map) = map(&cells) {
            prop_assert!(map.position(Column::Email).is_some());
        }
    }
}

#[test]
fn columns_added_by_the_report_are_ignored() {
    for column in crate::spreadsheet::REPORT_COLUMNS {
        assert_eq!(recognise(column), None, "{column}");
    }
}

#[test]
fn row_with_a_value_in_an_unknown_name_column_is_refused() {
    let map = map(&owned(&[
        "Nombres",
        "Apellidos",
        "Apellido de casada",
        "Correo",
        "DNI",
    ]))
    .expect("all columns");
    assert!(
        map.check(&record(&["Ana", "Rojas", " ", "a@x.org", "1"]))
            .is_ok()
    );
    let error = map
        .check(&record(&["Ana", "Rojas", "de Mora", "a@x.org", "1"]))
        .expect_err("a part is lost");
    assert_eq!(error.code(), "UNKNOWN_NAME_COLUMN");
    let message = error.to_string();
    assert!(
        message.contains("Apellido de casada") && message.contains("mapping"),
        "{message}"
    );
    assert!(!message.contains("de Mora"), "{message}");
}

#[test]
fn mapping_overrides_the_recognised_headers() {
    let headers = [
        "Nombres",
        "Apellidos",
        "Apellido de casada",
        "Correo",
        "Otro correo",
        "Carné",
    ];
    let map = mapped(
        &headers,
        &[
            ("apellido de CASADA", Some("secondLastName")),
            ("Otro correo", Some("email")),
            ("Carné", Some("documentNumber")),
        ],
    )
    .expect("all columns");
    assert_eq!(map.position(Column::SecondLastName), Some(2));
    assert_eq!(
        (
            map.position(Column::Email),
            map.position(Column::DocumentNumber)
        ),
        (Some(4), Some(5))
    );
    assert!(!map.is_read(3));
    assert!(map.twins.is_empty() && map.suspects.is_empty());

    let map = mapped(
        &["Nombre completo", "Apellido de casada", "Correo", "DNI"],
        &[("Apellido de casada", None)],
    )
    .expect("all columns");
    assert!(
        map.check(&record(&["Ana Rojas", "de Mora", "a@x.org", "1"]))
            .is_ok()
    );

    let map = mapped(
        &["Nombre completo", "Alias", "Correo", "DNI"],
        &[("Alias", Some("fullName"))],
    )
    .expect("all");
    assert_eq!(map.position(Column::FullName), Some(1));
    let map = mapped(
        &["Nombre completo", "A", "B", "Correo", "DNI"],
        &[("A", Some("firstName")), ("B", Some("lastName"))],
    );
    assert_eq!(map.expect("all").position(Column::FullName), None);

    let error =
        mapped(&headers, &[("Correo electrónico", Some("email"))]).expect_err("no such column");
    assert_eq!(error.code(), "UNKNOWN_COLUMN");
    assert!(error.for_uploader().contains("\"Correo\"") && !error.to_string().contains("Nombres"));
}

#[test]
fn german_and_french_name_headers_are_recognised() {
    let map = map(&owned(&["Name", "Vorname", "E-Mail", "Reisepass"])).expect("all columns");
    assert_eq!(
        (
            map.position(Column::LastName),
            map.position(Column::FirstName)
        ),
        (Some(0), Some(1))
    );
    let map = super::map(
        &owned(&["Nom", "Prénom", "Courriel", "Passeport"]),
        &Reading::default(),
    )
    .expect("all");
    assert_eq!(
        (
            map.position(Column::LastName),
            map.position(Column::FirstName)
        ),
        (Some(0), Some(1))
    );
}

#[test]
fn display_name_is_used_only_without_other_name_columns() {
    let zoom = [
        "User Name (Original Name)",
        "First Name",
        "Last Name",
        "Email",
        "DNI",
    ];
    let beside = map(&owned(&zoom)).expect("all columns");
    assert_eq!(
        (beside.position(Column::FullName), beside.is_read(0)),
        (None, false)
    );
    let alone = map(&owned(&["User Name (Original Name)", "Email", "DNI"])).expect("all columns");
    assert_eq!(alone.position(Column::FullName), Some(0));
}

#[test]
fn full_name_that_lacks_a_separate_name_part_is_refused() {
    for (headers, cells) in [
        (
            ["Nombre completo", "Apellidos", "Correo", "DNI"],
            ["Ana María", "Rojas", "a@x.org", "1"],
        ),
        (
            ["Nombre", "Segundo apellido", "Correo", "DNI"],
            ["Ana", "Rojas", "a@x.org", "1"],
        ),
        (
            ["Nombre", "Segundo nombre", "Correo", "DNI"],
            ["Ana", "María", "a@x.org", "1"],
        ),
        (
            ["Name", "Middle Name", "Email", "ID number"],
            ["Ana", "María", "a@x.org", "1"],
        ),
        (
            ["Full name", "Surname", "Email", "ID number"],
            ["Ana Rojas", "Peña", "a@x.org", "1"],
        ),
    ] {
        let error = map(&owned(&headers))
            .expect("all columns")
            .check(&record(&cells))
            .expect_err("a lost part");
        assert_eq!(error.code(), "INCOMPLETE_FULL_NAME", "{headers:?}");
        assert!(
            error.for_uploader().contains(headers[0]) && error.for_uploader().contains(headers[1])
        );
    }
    for (headers, cells) in [
        (
            ["Nombre completo", "Apellidos", "Correo", "DNI"],
            ["Ana Rojas Peña", "ROJAS PENA", "a@x.org", "1"],
        ),
        (
            ["Nombre completo", "Apellidos", "Correo", "DNI"],
            ["Ana Rojas", "", "a@x.org", "1"],
        ),
        (
            ["Nombre completo", "Apellidos", "Correo", "DNI"],
            ["Ana", "-", "a@x.org", "1"],
        ),
    ] {
        assert!(
            map(&owned(&headers))
                .expect("all columns")
                .check(&record(&cells))
                .is_ok(),
            "{cells:?}"
        );
    }
    // If both parts exist as well, the full name is the person's preferred spelling.
    let headers = ["Full name", "First name", "Last name", "Email", "ID number"];
    let row = |full: &str, first: &str, last: &str| record(&[full, first, last, "a@x.org", "1"]);
    let chosen = map(&owned(&headers)).expect("all columns");
    for (full, first, last) in [
        ("Ana de Rojas", "Ana", "Rojas"),
        ("Rojas, Ana", "Ana", "Rojas"),
        ("佐藤花子", "花子", "佐藤"),
        ("Ana", "Ana", ""),
        ("", "Ana", "Rojas"),
    ] {
        assert!(chosen.check(&row(full, first, last)).is_ok(), "{full}");
    }
    for (full, first, last) in [
        ("Eva Gil", "Ana", "Rojas"),
        ("Ana", "Ana", "Gil"),
        ("Gil", "Ana", "Gil"),
        ("Anita", "Ana", "Gil"),
    ] {
        let error = chosen.check(&row(full, first, last)).expect_err(full);
        assert_eq!(error.code(), "FULL_NAME_DIFFERS", "{full}");
        let output = error.to_string();
        for proposal in ["fullName", "ignore"] {
            assert!(
                output.contains(&format!("{{\"Full name\": \"{proposal}\"}}")),
                "{output}"
            );
            let map = mapped(
                &headers,
                &[(
                    "Full name",
                    Some(proposal).filter(|field| *field != "ignore"),
                )],
            );
            let map = map.expect("all columns");
            assert!(
                map.check(&row(full, first, last)).is_ok(),
                "{full} {proposal}"
            );
            assert_eq!(
                map.position(Column::FullName).is_some(),
                proposal == "fullName"
            );
        }
    }
}

#[test]
fn message_about_an_incomplete_full_name_proposes_mappings_that_work() {
    let output = |headers: &[&str], cells: &[&str]| {
        let error = map(&owned(headers))
            .expect("all columns")
            .check(&record(cells));
        error.expect_err("a lost part").to_string()
    };
    let headers = ["Nombre \"completo\"", "Apellidos", "Correo", "DNI"];
    let message = output(&headers, &["Ana María", "Rojas", "a@x.org", "1"]);
    assert!(
        message.contains(r#"{"Nombre \"completo\"": "fullName"}"#),
        "{message}"
    );
    assert!(
        message.contains(r#"{"Nombre \"completo\"": "firstName", "Apellidos": "lastName"}"#),
        "{message}"
    );
    let row = record(&["Ana María", "Rojas", "a@x.org", "1"]);
    let alone = mapped(&headers, &[(headers[0], Some("fullName"))]).expect("all columns");
    assert!(alone.check(&row).is_ok());
    let parts = mapped(
        &headers,
        &[
            (headers[0], Some("firstName")),
            ("Apellidos", Some("lastName")),
        ],
    );
    assert!(parts.expect("all columns").check(&row).is_ok());
    // A middle name alone does not imply a surname.
    let message = output(
        &["Nombre", "Segundo nombre", "Correo", "DNI"],
        &["Ana", "María", "a@x.org", "1"],
    );
    assert!(
        message.contains(r#"{"Nombre": "fullName"}"#) && !message.contains("lastName"),
        "{message}"
    );
}
