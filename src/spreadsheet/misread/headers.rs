//! Detection of misread headers.

use super::super::SheetError;
use super::super::charset::{Charset, offered, untwice};
use super::super::error::MisreadHeaders;
use super::super::headers::recognise;
use super::MAX_OFFERED;

/// Adds to an error about missing columns the information that the headers look misread, and the
/// likely encodings.
pub(super) fn hinted(error: SheetError, assumed: Charset, start: &[u8]) -> SheetError {
    match error {
        SheetError::MissingColumns {
            missing,
            recognised,
            found,
            row,
            ..
        } => {
            let misread = of_headers(found.reveal(), assumed, start);
            SheetError::MissingColumns {
                missing,
                recognised,
                found,
                row,
                misread,
            }
        }
        other => other,
    }
}

fn of_headers(headers: &[String], assumed: Charset, start: &[u8]) -> Option<MisreadHeaders> {
    let is_utf_16 = assumed.label.starts_with("utf-16");
    let mut encodings = Vec::new();
    if start.contains(&0) && !is_utf_16 {
        encodings.extend(["utf-16le", "utf-16be"]);
    }
    let others = offered().filter(|charset| *charset != assumed);
    encodings.extend(
        others
            .filter(|charset| recognises_more(headers, assumed, *charset))
            .map(|charset| charset.label),
    );
    encodings.truncate(MAX_OFFERED);
    let is_damaged =
        |header: &String| header.contains(char::REPLACEMENT_CHARACTER) || untwice(header).is_some();
    let is_misread = !encodings.is_empty() || headers.iter().any(is_damaged);
    is_misread.then_some(MisreadHeaders {
        assumed: assumed.label,
        encodings,
    })
}

/// Returns true if an unknown header is known when decoded with `other`.
fn recognises_more(headers: &[String], assumed: Charset, other: Charset) -> bool {
    let unknown = headers
        .iter()
        .filter(|header| !header.is_ascii() && recognise(header).is_none());
    unknown
        .filter_map(|header| Some((header, other.decoded(&assumed.encoded(header))?)))
        .any(|(header, read)| read != *header && recognise(&read).is_some())
}

#[cfg(test)]
mod tests {
    use super::super::super::Format;
    use super::super::super::fixture::open_chosen;
    use crate::domain::certification::reading::Reading;

    fn output(bytes: &[u8], encoding: Option<&str>) -> String {
        let reading = Reading {
            encoding: encoding.map(str::to_owned),
            ..Reading::default()
        };
        let error = open_chosen(bytes, Format::Csv, &reading).expect_err("refused");
        assert_eq!(error.code(), "MISSING_COLUMNS", "{error}");
        error.to_string()
    }

    #[test]
    fn message_about_missing_columns_names_the_encoding_of_misread_headers() {
        let text = "Nombre,Correo,Número de identificación\nAna,ana@example.org,1\n";
        let twice: String = text.bytes().map(char::from).collect();
        let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let latin: Vec<u8> = text
            .chars()
            .map(|c| u8::try_from(u32::from(c)).expect("Latin-1"))
            .collect();
        let macroman = b"Nombre,Correo,N\x9Cmero de identificaci\x97n\nAna,ana@example.org,1\n";
        for (bytes, given, offered) in [
            (twice.as_bytes(), None, "utf-8-twice"),
            (text.as_bytes(), Some("windows-1252"), "utf-8"),
            (text.as_bytes(), Some("macintosh"), "utf-8"),
            (&latin[..], Some("utf-8"), "windows-1252"),
            (&latin[..], Some("ibm850"), "windows-1252"),
            (&macroman[..], Some("windows-1252"), "macintosh"),
            (&utf_16[..], Some("utf-8"), "utf-16le"),
        ] {
            let message = output(bytes, given);
            assert!(
                message.contains("look misread") && message.contains(offered),
                "{given:?} {message}"
            );
            assert!(message.contains("`encoding`"), "{message}");
        }
    }

    #[test]
    fn missing_columns_message_omits_encoding_if_headers_are_readable() {
        for text in [
            "Nombre,Correo\nAna,ana@example.org\n",
            "Nombre,Correo,¿Cuál es tu número favorito?,Nº\nAna,ana@example.org,7,1\n",
            "Имя,Город\nАнна,Омск\n",
        ] {
            let message = output(text.as_bytes(), None);
            assert!(!message.contains("misread"), "{message}");
        }
    }
}
