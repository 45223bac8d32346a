//! `Content-Disposition` of an attachment: the name in its own script (RFC 2231), and an ASCII name for old readers.

use std::fmt::Write as _;

use lettre::message::header::{Header, HeaderName, HeaderValue};

use super::file_name::ascii_file_name;

/// Longest part of an encoded name on one line, in characters; RFC 5322 recommends lines of at most 78.
const PART: usize = 56;

/// The header of one attachment.
#[derive(Clone)]
pub(super) struct Disposition(String);

impl Disposition {
    /// An attachment of this name, which is a safe file name.
    pub(super) fn attachment(file_name: &str) -> Self {
        let mut value = format!("attachment;\r\n filename=\"{}\"", ascii_file_name(file_name));
        if !file_name.is_ascii() {
            let parts = encoded_parts(file_name);
            if let [whole] = parts.as_slice() {
                let _ = write!(value, ";\r\n filename*=UTF-8''{whole}");
            } else {
                for (n, part) in parts.iter().enumerate() {
                    let charset = if n == 0 { "UTF-8''" } else { "" };
                    let _ = write!(value, ";\r\n filename*{n}*={charset}{part}");
                }
            }
        }
        Self(value)
    }
}

/// Percent-encoded parts of a name, none of which cuts a character.
fn encoded_parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for c in name.chars() {
        let mut encoded = String::new();
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        match parts.last_mut() {
            Some(last) if last.len() + encoded.len() <= PART => last.push_str(&encoded),
            _ => parts.push(encoded),
        }
    }
    parts
}

impl Header for Disposition {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Disposition")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.replace("\r\n", ""), self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::file_name::attachment_file_name;
    use super::*;

    #[test]
    fn old_readers_get_an_ascii_name_and_others_the_name_itself() {
        for (name, value) in [
            ("Ada_certificate.pdf", "attachment;\r\n filename=\"Ada_certificate.pdf\""),
            (
                "José_certificate.pdf",
                "attachment;\r\n filename=\"Jose_certificate.pdf\";\r\n filename*=UTF-8''Jos%C3%A9_certificate.pdf",
            ),
            (
                "Анна Петрова_certificate.pdf",
                "attachment;\r\n filename=\"Anna Petrova_certificate.pdf\";\
                 \r\n filename*0*=UTF-8''%D0%90%D0%BD%D0%BD%D0%B0%20%D0%9F%D0%B5%D1%82%D1%80;\
                 \r\n filename*1*=%D0%BE%D0%B2%D0%B0_certificate.pdf",
            ),
        ] {
            assert_eq!(Disposition::attachment(name).0, value);
        }
    }

    proptest! {
        #[test]
        fn any_name_is_one_safe_header(name in any::<String>()) {
            let value = Disposition::attachment(&attachment_file_name(&name)).0;
            prop_assert!(value.is_ascii());
            prop_assert!(value.split("\r\n").skip(1).all(|line| line.starts_with(' ')));
            prop_assert!(value.split("\r\n").filter(|line| line.contains('*')).all(|line| line.len() <= 78));
            prop_assert_eq!(value.matches('"').count(), 2);
            prop_assert!(!value.replace("\r\n", "").contains(char::is_control));
        }
    }
}
