//! One table in all encodings, with all delimiters and all line endings.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use proptest::prelude::*;

use super::super::fixture::briefs;
use super::super::{Format, sniff};

const TABLE: [[&str; 3]; 3] = [
    ["Nombre completo", "Correo electrónico", "Número documento"],
    ["José Muñoz", "jose@example.com", "0012"],
    ["Inés Peña", "ines@example.com", "34"],
];
const EXPECTED: [&str; 2] = [
    "2 José Muñoz|0012|jose@example.com",
    "3 Inés Peña|34|ines@example.com",
];

fn encoded(text: &str, encoding: &'static Encoding, has_mark: bool) -> Vec<u8> {
    let text = if has_mark {
        format!("\u{feff}{text}")
    } else {
        text.to_owned()
    };
    let units = text.encode_utf16();
    if encoding == UTF_16LE {
        units.flat_map(u16::to_le_bytes).collect()
    } else if encoding == UTF_16BE {
        units.flat_map(u16::to_be_bytes).collect()
    } else {
        encoding.encode(&text).0.into_owned()
    }
}

#[test]
fn every_combination_of_encoding_delimiter_and_line_end_is_read() {
    let encodings = [
        (UTF_8, false),
        (UTF_8, true),
        (UTF_16LE, false),
        (UTF_16LE, true),
        (UTF_16BE, false),
        (UTF_16BE, true),
        (WINDOWS_1252, false),
    ];
    for (encoding, has_mark) in encodings {
        for delimiter in [",", ";", "\t", "|"] {
            for end in ["\r\n", "\r", "\n"] {
                for last in ["", end] {
                    let lines = TABLE.map(|row| row.join(delimiter));
                    let bytes = encoded(&(lines.join(end) + last), encoding, has_mark);
                    assert_eq!(
                        sniff(&bytes).ok(),
                        Some(Format::Csv),
                        "{encoding:?} {delimiter:?} {end:?}"
                    );
                    assert_eq!(
                        briefs(&bytes, Format::Csv),
                        EXPECTED,
                        "{encoding:?} {has_mark} {delimiter:?} {end:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn utf_32_text_is_refused() {
    let utf_32: Vec<u8> = TABLE[0]
        .join(",")
        .chars()
        .flat_map(|character| u32::from(character).to_le_bytes())
        .collect();
    assert_eq!(
        sniff(&utf_32).expect_err("UTF-32").code(),
        "UNKNOWN_ENCODING"
    );
}

proptest! {
    #[test]
    fn utf_16_without_a_byte_order_mark_is_detected_for_any_names(
        names in proptest::collection::vec("([А-Я]?[а-я]{1,20}|[ا-ي]{1,20}|[ぁ-ん一-龠a-z]{1,20})", 1..20),
        is_little: bool,
    ) {
        let rows: String = names.iter().map(|name| format!("{name},1,a@example.com\r\n")).collect();
        let text = format!("Nombre completo,Documento,Correo\r\n{rows}");
        let bytes = encoded(&text, if is_little { UTF_16LE } else { UTF_16BE }, false);
        prop_assert_eq!(sniff(&bytes).ok(), Some(Format::Csv));
        let found = briefs(&bytes, Format::Csv);
        prop_assert_eq!(found.len(), names.len());
        prop_assert!(found[0].contains(&names[0]), "{}", found[0]);
    }

    #[test]
    fn utf_8_is_never_detected_as_utf_16(text in "[^\0\u{feff}]{0,200}") {
        prop_assert_eq!(super::super::encoding::utf_16(text.as_bytes()), None);
    }
}
