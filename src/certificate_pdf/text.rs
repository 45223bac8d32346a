//! Checks of the texts of a certificate before they reach typst.

use unicode_normalization::UnicodeNormalization as _;

use super::RenderError;
use super::bundled_fonts::Fonts;

/// Maximum length of a field in characters. Longer texts don't fit even in the smallest type and
/// are not laid out.
const MAX_CHARACTERS: usize = 600;

/// Text that can be drawn: composed (NFC), trimmed, with a glyph for every character. It has no
/// `Debug` or `Display`, because it may be a name.
#[derive(Clone, serde::Serialize)]
pub(super) struct Line {
    text: String,
    /// True if the direction of its first letter is from right to left.
    rtl: bool,
}

impl Line {
    /// Checks a field. Returns `None` if it is blank.
    pub(super) fn new(
        field: &'static str,
        text: &str,
        fonts: &Fonts,
    ) -> Result<Option<Self>, RenderError> {
        if text.chars().take(MAX_CHARACTERS + 1).count() > MAX_CHARACTERS {
            return Err(RenderError::Overflow {
                field: field.to_owned(),
            });
        }
        if let Some(c) = text.chars().find(|c| is_forbidden(*c)) {
            let problem = format!(
                "holds the control character U+{:04X}: remove it",
                u32::from(c)
            );
            return Err(RenderError::InvalidText { field, problem });
        }
        let text = composed(text);
        let clusters = fonts.coverage().undrawable(&text);
        if !clusters.is_empty() {
            return Err(RenderError::MissingGlyph { field, clusters });
        }
        let rtl = text.chars().find_map(direction) == Some(Direction::RightToLeft);
        Ok((!text.is_empty()).then_some(Self { text, rtl }))
    }

    /// Checks a field that must not be blank.
    pub(super) fn required(
        field: &'static str,
        text: &str,
        fonts: &Fonts,
    ) -> Result<Self, RenderError> {
        Self::new(field, text, fonts)?.ok_or_else(|| RenderError::InvalidText {
            field,
            problem: "is empty: fill it in".to_owned(),
        })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

/// Returns the text trimmed and composed (NFC).
pub(super) fn composed(text: &str) -> String {
    text.trim().nfc().collect()
}

/// Checks a generated value: 1 to `longest` printable ASCII characters without spaces.
pub(super) fn ascii(field: &'static str, text: &str, longest: usize) -> Result<(), RenderError> {
    if text.is_empty() || text.len() > longest || !text.bytes().all(|b| b.is_ascii_graphic()) {
        let problem = format!("must be 1 to {longest} printable ASCII characters without spaces");
        return Err(RenderError::InvalidText { field, problem });
    }
    Ok(())
}

/// Returns true for control characters, line breaks, marks and overrides of direction (UAX #9), and
/// noncharacters. None belongs in a name, and an override can make a certificate look like a
/// different one.
fn is_forbidden(c: char) -> bool {
    let nonchar = matches!(u32::from(c), 0xFDD0..=0xFDEF) || u32::from(c) & 0xFFFE == 0xFFFE;
    c.is_control()
        || nonchar
        || matches!(
            c,
            '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'
                ..='\u{202E}' | '\u{2060}'
                ..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'
                ..='\u{FFFD}' | '\u{E0000}'
                ..='\u{E007F}'
        )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    LeftToRight,
    RightToLeft,
}

/// Returns the strong direction of a letter (UAX #9, classes L, R and AL, by block), or `None` for
/// other characters, such as digits.
fn direction(c: char) -> Option<Direction> {
    match u32::from(c) {
        0x0590..=0x08FF
        | 0xFB1D..=0xFDFF
        | 0xFE70..=0xFEFF
        | 0x1_0800..=0x1_0FFF
        | 0x1_E800..=0x1_EFFF
            if !c.is_numeric() =>
        {
            Some(Direction::RightToLeft)
        }
        _ if c.is_alphabetic() => Some(Direction::LeftToRight),
        _ => None,
    }
}

/// Returns true for letters with the direction from right to left.
pub(super) fn is_right_to_left(c: char) -> bool {
    direction(c) == Some(Direction::RightToLeft)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Option<Line>, RenderError> {
        Line::new(
            "full_name",
            text,
            &Fonts::load().expect("bundled fonts load"),
        )
    }

    #[test]
    fn text_is_trimmed_and_composed() {
        let name = line("  Jose\u{301}  ").expect("fine").expect("not blank");
        assert_eq!(name.as_str(), "José");
        assert!(line(" \u{3000} ").expect("fine").is_none());
    }

    #[test]
    fn control_and_direction_characters_are_rejected() {
        for c in [
            '\0', '\n', '\t', '\u{7f}', '\u{85}', '\u{200F}', '\u{202E}', '\u{2066}', '\u{FEFF}',
            '\u{FFFF}',
        ] {
            let error = line(&format!("Ada{c}Lovelace")).err().expect("refused");
            assert_eq!(error.code(), "RENDER_INVALID_TEXT", "{c:?}");
            assert!(!error.to_string().contains("Ada"));
        }
    }

    #[test]
    fn first_letter_determines_the_direction() {
        for (text, rtl) in [
            ("Ada", false),
            ("محمد", true),
            ("«פרץ»", true),
            ("12 محمد", true),
            ("Ada (محمد)", false),
        ] {
            assert_eq!(
                line(text).expect("fine").expect("not blank").rtl,
                rtl,
                "{text}"
            );
        }
    }

    #[test]
    fn persian_spelling_keeps_its_non_joiner() {
        assert!(line("می\u{200C}خواهم").expect("fine").is_some());
    }

    #[test]
    fn undrawable_characters_are_reported_as_code_points() {
        let error = line("Ada 😀\u{0378}").err().expect("refused");
        assert_eq!(
            error.to_string(),
            "full_name holds characters that no bundled font can draw: U+1F600, U+0378"
        );
    }
}
