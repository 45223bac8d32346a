//! Quotation marks in texts.

/// Returns true if the straight quotation marks of a text are in pairs around words, as in `Ana
/// "Anita" Gil`. Returns false for marks around the whole text or at its beginning, because
/// programs that quote fields write these.
pub(crate) fn is_in_pairs(text: &str) -> bool {
    if !text.contains('"') {
        return true;
    }
    if text.contains('\\') || text.starts_with('"') {
        return false;
    }
    let mut is_open = false;
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '"' {
            let after = characters.peek().copied().unwrap_or(' ');
            let (outer, inner) = if is_open {
                (after, before)
            } else {
                (before, after)
            };
            if !(outer.is_whitespace() || matches!(outer, ',' | '(' | ')'))
                || !inner.is_alphanumeric()
            {
                return false;
            }
            is_open = !is_open;
        }
        before = character;
    }
    !is_open
}

#[cfg(test)]
mod tests {
    use super::is_in_pairs;

    #[test]
    fn only_quotation_marks_around_words_are_pairs() {
        for text in [
            "Ana",
            r#"Ana "Anita" Gil"#,
            r#"Ana ("Anita") Gil"#,
            r#"Ana "Anita""#,
            "O'Neil",
        ] {
            assert!(is_in_pairs(text), "{text}");
        }
        for text in [
            r#""Ana Gil""#,
            r#""Ana" Gil"#,
            r#"Ana "Gil"#,
            r#"5" Ana"#,
            r#"Ana \"A\" Gil"#,
            r#"A"b"c"#,
        ] {
            assert!(!is_in_pairs(text), "{text}");
        }
    }
}
