//! File name of a certificate's PDF.

use unicode_normalization::UnicodeNormalization;

const MAX_NAME_BYTES: usize = 160;

/// Returns `{full_name}_certificate.pdf`. Characters of all scripts are kept. The result is safe as
/// a file name on every system and inside a quoted header parameter.
///
/// Path separators and characters that Windows forbids become `-`. Control, direction-changing and
/// invisible format characters are removed, because they can make `fdp.exe` look like `exe.pdf`.
/// The name is cut to 160 bytes of UTF-8, at a character boundary. If no characters remain, the
/// result is `certificate.pdf`.
#[must_use]
pub fn attachment_file_name(full_name: &str) -> String {
    let name = safe_stem(full_name, MAX_NAME_BYTES);
    if name.is_empty() {
        "certificate.pdf".to_owned()
    } else {
        format!("{name}_certificate.pdf")
    }
}

/// Makes the file name of a PDF safe by the rules of [`attachment_file_name`]. A name that this
/// function returned doesn't change.
pub fn safe_pdf_file_name(file_name: &str) -> String {
    let stem = safe_stem(
        file_name.strip_suffix(".pdf").unwrap_or(file_name),
        MAX_NAME_BYTES + "_certificate".len(),
    );
    if stem.is_empty() {
        "certificate.pdf".to_owned()
    } else {
        format!("{stem}.pdf")
    }
}

/// Returns a safe file name in ASCII, for mail readers that support no other characters. Letters of
/// other scripts are transliterated.
#[must_use]
pub fn ascii_file_name(file_name: &str) -> String {
    let stem = file_name.strip_suffix(".pdf").unwrap_or(file_name);
    let latin = deunicode::deunicode_with_tofu(stem, "_")
        .replace('%', "_")
        .replace(" _", "_");
    safe_pdf_file_name(&latin)
}

fn safe_stem(text: &str, max_bytes: usize) -> String {
    let mut stem = String::new();
    let visible = text
        .chars()
        .filter(|&c| c.is_whitespace() || !(c.is_control() || is_invisible_format(c)));
    for c in visible.nfc() {
        let c = match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | ';' => '-',
            c if c.is_whitespace() => ' ',
            c => c,
        };
        if c == ' ' && (stem.is_empty() || stem.ends_with(' ')) {
            continue;
        }
        if stem.len() + c.len_utf8() > max_bytes {
            break;
        }
        stem.push(c);
    }
    // A file name with a leading dot is hidden, and Windows drops trailing dots and spaces.
    stem.trim_matches(|c: char| c == '.' || c == ' ').to_owned()
}

/// Returns true for Unicode's bidirectional controls, the byte order mark, the soft hyphen and
/// other invisible characters. Zero-width joiners and non-joiners (U+200D, U+200C) are kept,
/// because Persian and Indic names contain them.
const fn is_invisible_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_any_script_stay_readable() {
        for (name, expected) in [
            ("Ada Lovelace", "Ada Lovelace_certificate.pdf"),
            ("José Muñoz", "José Muñoz_certificate.pdf"),
            ("Seán O'Brien", "Seán O'Brien_certificate.pdf"),
            ("Анна Петрова", "Анна Петрова_certificate.pdf"),
            ("山田 太郎", "山田 太郎_certificate.pdf"),
            ("Jose\u{301}", "José_certificate.pdf"),
        ] {
            assert_eq!(attachment_file_name(name), expected);
        }
    }

    #[test]
    fn unsafe_characters_are_replaced_or_removed() {
        for (name, expected) in [
            ("../../etc/passwd", "-..-etc-passwd_certificate.pdf"),
            ("a\\b\"c", "a-b-c_certificate.pdf"),
            ("a\r\nBcc: x", "a Bcc- x_certificate.pdf"),
            ("exe\u{202e}fdp", "exefdp_certificate.pdf"),
            ("\0\u{7f}", "certificate.pdf"),
            (" . ", "certificate.pdf"),
            ("", "certificate.pdf"),
        ] {
            assert_eq!(attachment_file_name(name), expected, "{name:?}");
        }
    }

    #[test]
    fn ascii_name_is_transliterated() {
        for (name, ascii) in [
            (
                "Ada Lovelace_certificate.pdf",
                "Ada Lovelace_certificate.pdf",
            ),
            ("José Muñoz_certificate.pdf", "Jose Munoz_certificate.pdf"),
            (
                "Łukasz Groß_certificate.pdf",
                "Lukasz Gross_certificate.pdf",
            ),
            (
                "Nguyễn Văn Đức_certificate.pdf",
                "Nguyen Van Duc_certificate.pdf",
            ),
            (
                "Анна Петрова_certificate.pdf",
                "Anna Petrova_certificate.pdf",
            ),
            ("Ọ̀ṣun_certificate.pdf", "Osun_certificate.pdf"),
            ("100% «Ana»_certificate.pdf", "100_ --Ana--_certificate.pdf"),
            ("certificate.pdf", "certificate.pdf"),
        ] {
            assert_eq!(ascii_file_name(name), ascii);
        }
        let name = ascii_file_name("山田 太郎_certificate.pdf");
        assert!(
            name.ends_with("_certificate.pdf") && name.len() > "_certificate.pdf".len(),
            "{name}"
        );
    }

    proptest! {
        #[test]
        fn every_name_has_an_ascii_form(name in any::<String>()) {
            let file = ascii_file_name(&attachment_file_name(&name));
            prop_assert!(file.is_ascii() && file.ends_with(".pdf") && !file.starts_with('.'), "{}", file);
            prop_assert!(!file.chars().any(|c| c.is_control() || "/\\\"<>|:*?%;".contains(c)), "{}", file);
            prop_assert_eq!(ascii_file_name(&file), file);
        }

        #[test]
        fn every_name_gives_a_safe_file_name(name in any::<String>()) {
            let file = attachment_file_name(&name);
            prop_assert!(file.ends_with("certificate.pdf"));
            prop_assert!(file.len() <= MAX_NAME_BYTES + "_certificate.pdf".len());
            prop_assert!(!file.starts_with('.'));
            prop_assert!(!file.chars().any(|c| c.is_control() || "/\\\"<>|:*?".contains(c)));
            prop_assert_eq!(safe_pdf_file_name(&file), file);
        }
    }
}
