//! Header `Content-Disposition` with a file name in any script (RFC 6266, RFC 8187).

use std::fmt::Write as _;

use crate::domain::certification::file_name::ascii_file_name;

/// Returns a header value that makes a browser save the response as `file_name`. `file_name` must
/// not contain control characters, quotes or separators.
#[must_use]
pub fn attachment(file_name: &str) -> String {
    // Old clients read only `filename`, which is ASCII. Newer clients prefer `filename*`.
    let plain = ascii_file_name(file_name);
    let mut value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in file_name.bytes() {
        // attr-char of RFC 8187 §3.2.1
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_contains_the_file_name_in_any_script() {
        assert_eq!(
            attachment("José Núñez_certificate.pdf"),
            "attachment; filename=\"Jose Nunez_certificate.pdf\"; \
             filename*=UTF-8''Jos%C3%A9%20N%C3%BA%C3%B1ez_certificate.pdf"
        );
        assert!(
            attachment("李雷_certificate.pdf").ends_with("''%E6%9D%8E%E9%9B%B7_certificate.pdf")
        );
    }

    #[test]
    fn special_characters_in_a_file_name_are_encoded_in_the_header() {
        for odd in ["a\"b", "a\r\nX: y", "a%b\\", "a;b'c*"] {
            let value = attachment(odd);
            assert!(
                value.bytes().all(|byte| (b' '..0x7f).contains(&byte)),
                "{value}"
            );
            assert_eq!(value.matches('"').count(), 2, "{value}");
        }
    }
}
