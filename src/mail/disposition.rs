//! `Content-Disposition` header of an attachment. It has the file name in its original script (RFC
//! 2231) and an ASCII name for old mail readers.
//!
//! The name is one parameter without continuations, because some readers append continuations to
//! the ASCII name. A name has at most 176 bytes, so the line has at most 550 characters. RFC 5322
//! allows 998.

use std::fmt::Write as _;

use lettre::message::header::{Header, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use crate::domain::certification::file_name::ascii_file_name;

/// All characters except letters, digits and `-`, `.`, `_`, `~`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `Content-Disposition` header of one attachment.
#[derive(Clone)]
pub(super) struct Disposition(String);

impl Disposition {
    /// Creates the header for an attachment. `file_name` must be a safe file name.
    pub(super) fn attachment(file_name: &str) -> Self {
        let mut value = format!(
            "attachment;\r\n filename=\"{}\"",
            ascii_file_name(file_name)
        );
        if !file_name.is_ascii() {
            let _ = write!(value, ";\r\n filename*=UTF-8''{}", encoded(file_name));
        }
        Self(value)
    }
}

/// Percent-encodes `name` (RFC 5987 `ext-value`).
fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, ENCODED).to_string()
}

impl Header for Disposition {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Disposition")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::dangerous_new_pre_encoded(
            Self::name(),
            self.0.replace("\r\n", ""),
            self.0.clone(),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::certification::file_name::attachment_file_name;

    #[test]
    fn header_has_an_ascii_name_and_the_original_name() {
        for (name, value) in [
            (
                "Ada_certificate.pdf",
                "attachment;\r\n filename=\"Ada_certificate.pdf\"",
            ),
            (
                "José_certificate.pdf",
                "attachment;\r\n filename=\"Jose_certificate.pdf\";\r\n filename*=UTF-8''Jos%C3%A9_certificate.pdf",
            ),
            (
                "Анна Петрова_certificate.pdf",
                "attachment;\r\n filename=\"Anna Petrova_certificate.pdf\";\
                 \r\n filename*=UTF-8''%D0%90%D0%BD%D0%BD%D0%B0%20%D0%9F%D0%B5%D1%82%D1%80%D0%BE%D0%B2%D0%B0_certificate.pdf",
            ),
        ] {
            assert_eq!(Disposition::attachment(name).0, value);
        }
    }

    proptest! {
        #[test]
        fn any_name_gives_one_safe_header(name in any::<String>()) {
            let value = Disposition::attachment(&attachment_file_name(&name)).0;
            prop_assert!(value.is_ascii());
            prop_assert!(value.split("\r\n").skip(1).all(|line| line.starts_with(' ')));
            prop_assert!(value.split("\r\n").all(|line| line.len() <= 998));
            prop_assert_eq!(value.matches('"').count(), 2);
            prop_assert!(!value.replace("\r\n", "").contains(char::is_control));
        }
    }
}
