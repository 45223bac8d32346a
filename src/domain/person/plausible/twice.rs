//! UTF-8 that was taken for Windows-1252 and encoded again.

use encoding_rs::WINDOWS_1252;

/// The byte that Windows-1252 reads as a character.
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

/// A text that was encoded twice as it was before; `None` where it wasn't.
pub(crate) fn untwice(text: &str) -> Option<String> {
    // In UTF-8 read as Windows-1252, the first byte of a letter is never followed by ASCII.
    let begins = |character: char| matches!(character, '\u{C2}'..='\u{F4}');
    let pairs = text.chars().zip(text.chars().skip(1));
    if !pairs.into_iter().any(|(one, next)| begins(one) && !next.is_ascii()) {
        return None;
    }
    let bytes = text.chars().map(windows_1252_byte).collect::<Option<Vec<u8>>>()?;
    let before = String::from_utf8(bytes).ok()?;
    (before != text).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::untwice;

    #[test]
    fn only_text_that_was_encoded_twice_has_a_form_before() {
        assert_eq!(untwice("JosÃ©").as_deref(), Some("José"));
        assert_eq!(untwice("José Muñoz"), None);
        assert_eq!(untwice("Ana"), None);
    }
}
