//! Headers as people write them.

use proptest::prelude::*;

use super::*;

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

fn owned(headers: &[&str]) -> Vec<String> {
    headers.iter().map(|&header| header.to_owned()).collect()
}

#[test]
fn spanish_english_and_mixtures() {
    for (header, column) in KNOWN {
        assert_eq!(recognise(header), Some(Meaning::Column(*column)), "{header}");
    }
    for unknown in ["", "notes", "certificate", "nacionalidad", "empresa", "n", "no", "id", "tipo", "número"]
    {
        assert_eq!(recognise(unknown), None, "{unknown}");
    }
}

#[test]
fn a_plain_name_is_the_full_name_unless_a_last_name_stands_beside_it() {
    let alone = map(&owned(&["Name", "Email", "Documento"])).expect("all columns");
    assert_eq!(alone.position(Column::FullName), Some(0));
    let beside = map(&owned(&["Apellidos", "Nombre", "Email", "Documento"])).expect("all columns");
    assert_eq!((beside.position(Column::FirstName), beside.position(Column::LastName)), (Some(1), Some(0)));
    let three = map(&owned(&["Name", "First name", "Last name", "Email", "Documento"])).expect("all columns");
    assert_eq!(three.position(Column::FullName), Some(0));
}

#[test]
fn missing_columns_are_named_and_what_was_found_is_for_the_uploader_only() {
    let error = map(&owned(&["Ana García", "Apellido", "Correo"])).expect_err("columns are missing");
    let SheetError::MissingColumns { missing, recognised, .. } = &error else { panic!("{error}") };
    assert_eq!(missing, &["firstName", "documentNumber"]);
    assert_eq!(recognised, &["Apellido", "Correo"]);
    assert!(!error.to_string().contains("Ana") && !format!("{error:?}").contains("Ana"), "{error:?}");
    assert!(error.for_uploader().contains("\"Ana García\""), "{}", error.for_uploader());
}

#[test]
fn two_headers_for_one_field_are_both_named() {
    let error = map(&owned(&["Name", "Correo", "Documento", " E-mail "])).expect_err("e-mail twice");
    assert_eq!(error.code(), "DUPLICATE_COLUMNS");
    let message = error.to_string();
    assert!(message.contains("\"Correo\"") && message.contains("\"E-mail\""), "{message}");
}

#[test]
fn blank_headers_get_their_letter_and_trailing_ones_are_dropped() {
    let map = map(&owned(&["Name", "", "Email", "Doc. number", " ", ""])).expect("all columns");
    assert_eq!(map.headers, ["Name", "B", "Email", "Doc. number"]);
    assert_eq!([letter(0), letter(25), letter(26), letter(16_383)], ["A", "Z", "AA", "XFD"]);
}

/// One of the ways a header's letter or the gap between two words may be written.
fn decorate(header: &str, choices: &[u8]) -> String {
    let mut choices = choices.iter().cycle().copied();
    let mut written = String::new();
    for character in header.nfd() {
        let choice = choices.next().unwrap_or(0);
        match character {
            ' ' => written.push_str(["", " ", "_", "-", "  ", ". "][usize::from(choice) % 6]),
            mark if is_combining_mark(mark) && choice % 2 == 0 => {}
            letter if choice % 3 == 0 => written.extend(letter.to_uppercase()),
            letter => written.push(letter),
        }
    }
    if choices.next().unwrap_or(0) % 2 == 0 { written.nfc().collect() } else { format!(" {written}:") }
}

proptest! {
    #[test]
    fn case_accents_and_separators_do_not_matter(
        index in 0..KNOWN.len(),
        choices in proptest::collection::vec(any::<u8>(), 1..40),
    ) {
        let (header, column) = KNOWN[index];
        let written = decorate(header, &choices);
        prop_assert_eq!(recognise(&written), Some(Meaning::Column(column)), "{}", written);
    }

    #[test]
    fn the_order_of_columns_does_not_matter(
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
