//! Detection of text that was encoded twice: UTF-8 that was decoded as Windows-1252 and encoded as
//! UTF-8 again.

use encoding_rs::WINDOWS_1252;

/// Returns the byte that Windows-1252 decodes to `character`, if any.
pub(crate) fn windows_1252_byte(character: char) -> Option<u8> {
    let mut buffer = [0; 4];
    match WINDOWS_1252.encode(character.encode_utf8(&mut buffer)) {
        (bytes, _, false) => match &*bytes {
            [byte] => Some(*byte),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the original of a text that was encoded twice, or `None` if the text was not encoded
/// twice.
pub(crate) fn untwice(text: &str) -> Option<String> {
    // If UTF-8 is read as Windows-1252, ASCII never follows the first byte of a letter.
    let begins = |character: char| matches!(character, '\u{C2}'..='\u{F4}');
    // A no-break space or a quotation mark may also correctly follow the last letter of a word, as
    // in "JOSÉ".
    let ends_word = |next: char| matches!(next, '\u{A0}' | '’' | '‘' | '”' | '“' | '»' | '´');
    let is_usual = |first: char| matches!(first, 'Â' | 'Ã' | 'Ä' | 'Å' | 'Ð' | 'Ñ');
    let pairs = text.chars().zip(text.chars().skip(1));
    let begins_letter = |(one, next): (char, char)| {
        begins(one) && !next.is_ascii() && (!ends_word(next) || is_usual(one))
    };
    if !pairs.into_iter().any(begins_letter) {
        return None;
    }
    let bytes = text
        .chars()
        .map(windows_1252_byte)
        .collect::<Option<Vec<u8>>>()?;
    let before = String::from_utf8(bytes).ok()?;
    (before != text).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::untwice;

    #[test]
    fn only_doubly_encoded_text_is_decoded_to_its_original() {
        assert_eq!(untwice("JosÃ©").as_deref(), Some("José"));
        assert_eq!(untwice("José Muñoz"), None);
        assert_eq!(untwice("Ana"), None);
        for right in [
            "JOSÉ\u{A0}MORA",
            "LUIS JOSÉ\u{A0}",
            "Ó’Brien",
            "Ó\u{A0}Briain",
            "José\u{A0}\u{A0}Mora",
        ] {
            assert_eq!(untwice(right), None, "{right}");
        }
    }
}
