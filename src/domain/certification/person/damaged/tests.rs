//! Tests with damaged names and real ones.

use super::{leftover, problem};

#[test]
fn damaged_names_are_detected() {
    for name in [
        "Jos? Mu?oz",
        "Mar?a",
        "Jos?",
        "?lvaro Gil",
        "Mar\u{FFFD}a",
        "#REF!",
        "#N/A",
        "#n/a",
        "#N/D",
        "#NAME?",
        "#¿NOMBRE?",
        "#VALUE!",
        "#¡VALOR!",
        "#NULL!",
        "#DIV/0!",
        "#¡DIV/0!",
        "#¡REF!",
        "#WERT!",
        "#SPILL!",
        "########",
        "Ana #REF!",
        "=#REF!",
        "TRUE",
        "False",
        "VERDADERO",
        "FALSO",
        "NaN",
        "nan nan",
        "null",
        "null null",
        "Jos&eacute; Mora",
        "Jos&#233;",
        "Jos&#xE9;",
        "Smith &amp; Jones",
        "Jos\\u00e9",
        "Jos\\xe9",
        "Jos%C3%A9",
        "Jos%E9",
        "Jos=C3=A9",
        "Ana Ruiz <ana@x.org>",
        "<b>Ana</b>",
        "ana@x.org",
        "Ana Ruiz ana.ruiz@x.org",
        "=HYPERLINK(\"http://x\",\"a\")",
        "=A1&B1",
        "Ana _x000D_",
        "Jos_x00E9_",
        "[object Object]",
        "{{name}}",
        "${nombre} Rojas",
        "«Nombre»",
        "Ana http://x.org",
        "Ana www.x.org",
        "\"Full Quoted\"",
        "Ana \"Rojas",
        "JosŽ Mu–oz",
        "JosÃ© MuÃ±oz",
    ] {
        assert!(problem(name).is_some(), "{name}");
    }
}

#[test]
fn real_names_are_not_reported_as_damaged() {
    for name in [
        "O'Neil",
        "O’Neil",
        "O‘Neil",
        "O´Donnell",
        "O`Brien",
        "Anne-Marie Smith-Jones",
        "Sammy Davis Jr.",
        "J. R. R. Tolkien",
        "Ravi s/o Kumar",
        "William (Bill) Gates",
        "Ana & Luis Rojas",
        "John 3rd",
        "Gal·la Pérez",
        "Kaʻiulani",
        "Raꞌmon",
        "ǃXóõ",
        "ǀXam ǁKhana",
        "Null Anderson",
        "Jennifer Null",
        "True Panya",
        "Nan",
        "José “Pepe” Gómez",
        "#7 Ana",
        "@SUM(1)",
        "+Ana",
        "100% Ana",
        "AB_x0031_7",
        "山田 太郎",
        "محمد علی",
    ] {
        assert_eq!(problem(name), None, "{name}");
    }
}

#[test]
fn words_for_missing_values_next_to_a_name_are_detected() {
    for name in [
        "Ana null",
        "Ana NULL",
        "ana null",
        "山田 NULL",
        "Ana (null)",
        "undefined Rojas",
        "Undefined Rojas",
        "Ana None",
        "Ana NaN",
        "Ana nan",
        "Ana false",
        "Ana FALSE",
        "Ana x",
        "Ana xxx",
        "FNU Sukarno",
        "Ana LNU",
        "Ana No tiene",
        "Ana (sin apellido)",
    ] {
        assert!(leftover(name).is_some(), "{name}");
    }
    for name in [
        "Jennifer Null",
        "JENNIFER NULL",
        "Null Anderson",
        "Nan Wang",
        "NAN Wang",
        "nan wang",
        "True Panya",
        "Malcolm X",
        "X Æ",
        "x",
        "Nil Solé",
        "Juno Tiene",
        "Ana de la O",
        "null",
    ] {
        assert_eq!(leftover(name), None, "{name}");
    }
}
