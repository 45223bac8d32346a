//! Tests with texts for missing values, and with values that look like them.

use super::*;

#[test]
fn placeholders_are_not_document_numbers() {
    for text in [
        "N/A",
        "NA",
        "n/a",
        "n.a.",
        "#N/A",
        "0",
        "00",
        "0-0",
        "0.000",
        "-",
        "--",
        "—",
        ".",
        "...",
        "?",
        "x",
        "XXX",
        "none",
        "NULL",
        "nan",
        "Ninguno",
        "no tiene",
        "No Tiene.",
        "sin documento",
        "SIN DOCUMENTO",
        "Sin Cédula",
        "s/d",
        "S/N",
        "pendiente",
        "No aplica",
        "não se aplica",
        "Sem documento",
        "aucun",
        "néant",
        "sans objet",
        "en attente",
        "keine",
        "k.A.",
        "entfällt",
        "unbekannt",
    ] {
        assert!(is_no_document(text), "{text}");
    }
    for text in [
        "7",
        "007",
        "1020304050",
        "X1234567L",
        "NA123456",
        "SN-1",
        "3E5678",
        "0A",
        "PENDIENTE-1",
    ] {
        assert!(!is_no_document(text), "{text}");
    }
}

#[test]
fn country_codes_and_genders_are_not_placeholders() {
    for text in ["NA", "X", "No", "Nil", "Sem"] {
        assert!(!is_no_value(text), "{text}");
    }
    for text in ["N/A", "-", "null", "s/d"] {
        assert!(is_no_value(text), "{text}");
    }
}

#[test]
fn punctuation_around_a_name_is_removed() {
    for (written, name) in [
        ("Sukarno -", "Sukarno"),
        ("Sukarno .", "Sukarno"),
        ("Sukarno */", "Sukarno"),
        ("- Sukarno", "Sukarno"),
        ("-- Sukarno  — .", "Sukarno"),
        ("Ana-María Rojas", "Ana-María Rojas"),
        ("Sammy Davis Jr.", "Sammy Davis Jr."),
        ("-", ""),
        (". -", ""),
    ] {
        assert_eq!(without_marks(written), name, "{written}");
    }
}

#[test]
fn phrases_for_a_missing_name_are_detected() {
    for text in [
        "-",
        "N/A",
        "No tiene",
        "(sin apellido)",
        "SIN APELLIDO",
        "s/a",
        "S/A",
        "LNU",
        "FNU",
        "ninguno",
    ] {
        assert!(is_no_name_part(text), "{text}");
    }
    for text in [
        "Null", "NULL", "NA", "Na", "X", "x", "0", "Lnu", "Sa", "No", "Tiene", "",
    ] {
        assert!(!is_no_name_part(text), "{text}");
    }
    for text in [
        "Sin nombre",
        "No name",
        "UNKNOWN",
        "sem nome",
        "null",
        "N/A",
    ] {
        assert!(is_no_name(text), "{text}");
    }
    for text in ["Nombre", "Ana", "Null Anderson", "Sin Gan"] {
        assert!(!is_no_name(text), "{text}");
    }
    for text in ["0", "123", "x", "xx", "XXX"] {
        assert!(is_doubtful_part(text), "{text}");
    }
    for text in ["X", "Xx Li", "3rd", "O", ""] {
        assert!(!is_doubtful_part(text), "{text}");
    }
}
