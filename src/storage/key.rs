//! Keys of stored objects.

use std::fmt;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use uuid::Uuid;

/// Maximum length of a key in bytes. S3 allows 1,024 bytes, and a configured prefix is added to the
/// key.
pub(super) const MAX_KEY_BYTES: usize = 700;

/// Maximum length of the part of a key between two `/`, in bytes. Local file systems allow such
/// file names.
const MAX_SEGMENT_BYTES: usize = 200;

/// Maximum length of the result of [`key_segment`] in bytes.
const MAX_SLUG_BYTES: usize = 60;

/// Key of a stored object: parts of `A–Z a–z 0–9 . _ -`, separated by `/`. Parts are not empty and
/// don't start with a dot. The key is therefore the same in a bucket, a folder and a URL, and it
/// can't refer to a file outside of the folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(String);

/// Error: the text is not a valid object key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The key or a part of it is empty.
    #[error("the object key or one of its parts is empty")]
    Empty,
    /// The key or a part of it is too long.
    #[error(
        "the object key is longer than {MAX_KEY_BYTES} bytes, or one of its parts than {MAX_SEGMENT_BYTES}"
    )]
    TooLong,
    /// The key has a character that is not allowed, or a part that starts with a dot.
    #[error(
        "the object key has characters other than A–Z a–z 0–9 . _ - /, or a part that starts with a dot"
    )]
    Forbidden,
}

impl ObjectKey {
    /// Parses a key from an external source, for example from an event.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.len() > MAX_KEY_BYTES {
            return Err(KeyError::TooLong);
        }
        for part in text.split('/') {
            check_part(part)?;
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check_part(part: &str) -> Result<(), KeyError> {
    if part.is_empty() {
        return Err(KeyError::Empty);
    }
    if part.len() > MAX_SEGMENT_BYTES {
        return Err(KeyError::TooLong);
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if part.starts_with('.') || !part.bytes().all(fits) {
        Err(KeyError::Forbidden)
    } else {
        Ok(())
    }
}

/// Converts a name to a part of a key. The result is in lower case and has at most 60 bytes. White
/// space becomes `_`, letters lose their accents, and other ASCII characters become `-`. All other
/// characters are removed. If nothing remains, the result is `x` and eight hexadecimal digits of
/// the name's SHA-256. So names in scripts without Latin letters have different results.
#[must_use]
pub fn key_segment(name: &str) -> String {
    let mut segment = String::new();
    for c in name
        .to_lowercase()
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
    {
        match c {
            'a'..='z' | '0'..='9' => segment.push(c),
            'ß' => segment.push_str("ss"),
            'æ' => segment.push_str("ae"),
            'œ' => segment.push_str("oe"),
            'ø' => segment.push('o'),
            'ł' => segment.push('l'),
            'đ' | 'ð' => segment.push('d'),
            'þ' => segment.push_str("th"),
            'ı' => segment.push('i'),
            c if c.is_whitespace() || c == '_' => push_once(&mut segment, '_'),
            c if c.is_ascii() => push_once(&mut segment, '-'),
            _ => {}
        }
        if segment.len() >= MAX_SLUG_BYTES {
            break;
        }
    }
    segment.truncate(MAX_SLUG_BYTES);
    let segment = segment.trim_matches(['_', '-']);
    if segment.is_empty() {
        let digest = Sha256::digest(name.as_bytes());
        return format!("x{}", HEXLOWER.encode(&digest[..4]));
    }
    segment.to_owned()
}

fn push_once(segment: &mut String, separator: char) {
    if !segment.ends_with(['_', '-']) {
        segment.push(separator);
    }
}

/// Returns the key of an issued PDF:
/// `certificates/{client}_{year}/{certificate_id}_{certificate_name}/{public_id}.pdf`.
///
/// # Errors
/// Fails if `public_id` has characters other than `A–Z a–z 0–9 _ -`.
pub fn certificate_key(
    client: &str,
    year: i32,
    certificate_id: Uuid,
    certificate_name: &str,
    public_id: &str,
) -> Result<ObjectKey, KeyError> {
    check_token(public_id)?;
    let client = key_segment(client);
    let name = key_segment(certificate_name);
    ObjectKey::parse(&format!(
        "certificates/{client}_{year}/{certificate_id}_{name}/{public_id}.pdf"
    ))
}

/// Returns the key of an uploaded background image:
/// `certificates/design_images/{client}_{year}/{name}_{id}.{extension}`.
///
/// # Errors
/// Fails if `extension` has characters other than `A–Z a–z 0–9 _ -`.
pub fn design_key(
    client: &str,
    year: i32,
    name: &str,
    id: Uuid,
    extension: &str,
) -> Result<ObjectKey, KeyError> {
    check_token(extension)?;
    let client = key_segment(client);
    let name = key_segment(name);
    ObjectKey::parse(&format!(
        "certificates/design_images/{client}_{year}/{name}_{id}.{extension}"
    ))
}

/// Returns the key of a design's thumbnail. It has `_small` before the extension.
pub fn small_design_key(design: &ObjectKey) -> Result<ObjectKey, KeyError> {
    let (name, extension) = design
        .as_str()
        .rsplit_once('.')
        .ok_or(KeyError::Forbidden)?;
    ObjectKey::parse(&format!("{name}_small.{extension}"))
}

/// Returns the key of a file of an issuer's template: `templates/{id}/{sha256}.{extension}`. The
/// name of the file is the hash of its content.
///
/// # Errors
/// Fails if `sha256` or `extension` has characters other than `A–Z a–z 0–9 _ -`.
pub fn template_key(id: Uuid, sha256: &str, extension: &str) -> Result<ObjectKey, KeyError> {
    check_token(sha256)?;
    check_token(extension)?;
    ObjectKey::parse(&format!("templates/{id}/{sha256}.{extension}"))
}

/// Returns the key of the file of an import: `expiring/imports/{id}/source`. The file contains
/// personal data. Objects in `expiring/` are deleted when they reach a certain age.
#[must_use]
pub fn import_key(import_id: Uuid) -> ObjectKey {
    ObjectKey(format!("expiring/imports/{import_id}/source"))
}

/// Returns the key of the report of an import's rejected rows:
/// `expiring/imports/{id}/report.ndjson`. The file contains personal data.
#[must_use]
pub fn import_report_key(import_id: Uuid) -> ObjectKey {
    ObjectKey(format!("expiring/imports/{import_id}/report.ndjson"))
}

fn check_token(text: &str) -> Result<(), KeyError> {
    check_part(text)?;
    if text.contains('.') {
        Err(KeyError::Forbidden)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: Uuid = Uuid::from_u128(0x1234);

    #[test]
    fn name_is_converted_to_a_key_segment() {
        for (name, segment) in [
            ("Example Academy", "example_academy"),
            (
                "Introducción a la Programación",
                "introduccion_a_la_programacion",
            ),
            ("Straße  & Øre", "strasse_ore"),
            ("a/b\\..\\c", "a-b-c"),
            ("  C++ / Rust!  ", "c-rust"),
            ("ﬁnal ①", "final_1"),
            ("İstanbul", "istanbul"),
        ] {
            assert_eq!(key_segment(name), segment, "{name}");
        }
    }

    #[test]
    fn names_without_latin_letters_have_different_segments() {
        assert_ne!(key_segment("Академия"), key_segment("Школа"));
        assert_eq!(key_segment(""), "xe3b0c442");
    }

    #[test]
    fn keys_have_their_documented_shape() {
        let id = "00000000-0000-0000-0000-000000001234";
        let certificate =
            certificate_key("Example Academy", 2026, ID, "Rust & Más", "3kTM-d9_").expect("a key");
        assert_eq!(
            certificate.as_str(),
            format!("certificates/example_academy_2026/{id}_rust_mas/3kTM-d9_.pdf")
        );
        let design = design_key("general", 2026, "Gold Frame", ID, "jpg").expect("a key");
        assert_eq!(
            design.as_str(),
            format!("certificates/design_images/general_2026/gold_frame_{id}.jpg")
        );
        let small = small_design_key(&design).expect("a key");
        assert_eq!(
            small.as_str(),
            format!("certificates/design_images/general_2026/gold_frame_{id}_small.jpg")
        );
        assert_eq!(
            import_key(ID).as_str(),
            format!("expiring/imports/{id}/source")
        );
        assert_eq!(
            import_report_key(ID).as_str(),
            format!("expiring/imports/{id}/report.ndjson")
        );
    }

    #[test]
    fn unsafe_keys_are_refused() {
        for (key, error) in [
            ("", KeyError::Empty),
            ("a//b", KeyError::Empty),
            ("/a", KeyError::Empty),
            ("a/", KeyError::Empty),
            ("../a", KeyError::Forbidden),
            ("a/..", KeyError::Forbidden),
            ("a/.hidden", KeyError::Forbidden),
            ("a b", KeyError::Forbidden),
            ("a%2e", KeyError::Forbidden),
            ("é", KeyError::Forbidden),
            ("a\\b", KeyError::Forbidden),
        ] {
            assert_eq!(ObjectKey::parse(key), Err(error), "{key:?}");
        }
        assert_eq!(
            ObjectKey::parse(&"a".repeat(MAX_SEGMENT_BYTES + 1)),
            Err(KeyError::TooLong)
        );
        assert_eq!(
            ObjectKey::parse(&"a/".repeat(MAX_KEY_BYTES)),
            Err(KeyError::TooLong)
        );
        assert_eq!(
            certificate_key("c", 1, ID, "n", "../x"),
            Err(KeyError::Forbidden)
        );
        assert_eq!(
            design_key("c", 1, "n", ID, "tar.gz"),
            Err(KeyError::Forbidden)
        );
    }

    proptest! {
        #[test]
        fn every_name_makes_a_valid_key(client in any::<String>(), name in any::<String>(), year in any::<i32>()) {
            for segment in [key_segment(&client), key_segment(&name)] {
                prop_assert!(!segment.is_empty() && segment.len() <= MAX_SLUG_BYTES);
                prop_assert!(segment.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b)));
            }
            let key = certificate_key(&client, year, ID, &name, "abc").expect("always a key");
            prop_assert_eq!(ObjectKey::parse(key.as_str()), Ok(key));
        }
    }
}
