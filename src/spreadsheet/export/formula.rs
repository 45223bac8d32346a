//! Protection against formula injection in CSV files, according to OWASP's "CSV Injection".
//!
//! An apostrophe is inserted before a character that can start a formula. These are `=`, `+`, `-`,
//! `@`, their full-width forms, the minus sign U+2212, tabs and line breaks. The character must be
//! at the beginning of a cell, or after a separator or quotation mark within the cell, because a
//! program with another separator setting splits the cell there. Spaces and apostrophes before the
//! character are skipped. A text that begins with an apostrophe gets another one, because programs
//! interpret a leading apostrophe as a text mark. [`restored`] is the exact inverse.

use std::borrow::Cow;

/// Returns true if a character can start a formula, or if programs remove it before they look for a
/// formula.
const fn is_trigger(character: char) -> bool {
    matches!(
        character,
        '=' | '+'
            | '-'
            | '@'
            | '\t'
            | '\r'
            | '\n'
            | '\u{2212}'
            | '\u{FF1D}'
            | '\u{FF0B}'
            | '\u{FF0D}'
            | '\u{FF20}'
    )
}

/// Returns true if a program may start a new cell after this character.
const fn is_separator(character: char) -> bool {
    matches!(character, ',' | ';' | '|' | '\t' | '\r' | '\n' | '"')
}

/// Returns true if a character may be between the beginning of a cell and its formula.
fn is_padding(character: char) -> bool {
    character == '\'' || (character.is_whitespace() && !is_trigger(character))
}

/// Escapes `text`, so that every spreadsheet program reads it as text.
pub(in crate::spreadsheet) fn neutralised(text: &str) -> Cow<'_, str> {
    let mut harmless = String::new();
    let mut copied = 0;
    let mut begins = true;
    for (position, character) in text.char_indices() {
        if begins && is_trigger(character) {
            harmless.push_str(&text[copied..position]);
            harmless.push('\'');
            copied = position;
        }
        begins = is_separator(character) || (begins && is_padding(character));
    }
    let is_marked = text.starts_with('\'');
    if copied == 0 && harmless.is_empty() && !is_marked {
        return Cow::Borrowed(text);
    }
    harmless.push_str(&text[copied..]);
    if is_marked {
        harmless.insert(0, '\'');
    }
    Cow::Owned(harmless)
}

/// Reverts [`neutralised`]. Other texts are not changed.
pub(in crate::spreadsheet) fn restored(text: &str) -> Cow<'_, str> {
    match text
        .strip_prefix('\'')
        .filter(|rest| rest.starts_with('\''))
    {
        Some(rest) => Cow::Owned(without_guards(rest).into_owned()),
        None => without_guards(text),
    }
}

/// Removes the apostrophes before characters that can start a formula.
fn without_guards(text: &str) -> Cow<'_, str> {
    let mut found = String::new();
    let mut copied = 0;
    let mut begins = true;
    let mut apostrophe = None;
    for (position, character) in text.char_indices() {
        if let (true, true, Some(before)) = (begins, is_trigger(character), apostrophe) {
            found.push_str(&text[copied..before]);
            copied = position;
        }
        apostrophe = (character == '\'').then_some(position);
        begins = is_separator(character) || (begins && is_padding(character));
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    found.push_str(&text[copied..]);
    Cow::Owned(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_escaped_as_text() {
        for (formula, harmless) in [
            ("=1+1", "'=1+1"),
            ("+34 600 000 000", "'+34 600 000 000"),
            ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\t=1", "'\t'=1"),
            ("\r\n=1", "'\r'\n'=1"),
            ("＝1", "'＝1"),
            ("＠x", "'＠x"),
            ("  =1", "  '=1"),
            ("\u{A0}=1", "\u{A0}'=1"),
            ("'=1", "'''=1"),
            ("'t Hooft", "''t Hooft"),
            ("a;=1", "a;'=1"),
            ("a\",\"=1", "a\",\"'=1"),
        ] {
            assert_eq!(neutralised(formula), harmless, "{formula:?}");
        }
        for plain in [
            "",
            "Ada-Lovelace",
            "ada@example.com",
            "007",
            "x = 1",
            "d'Artagnan",
            "Ñandú, Ana",
        ] {
            assert_eq!(neutralised(plain), plain);
        }
    }

    proptest! {
        #[test]
        fn escaped_text_never_starts_a_formula_and_can_be_restored(
            text in r#"([=+\-@\t\r\n＝＋－＠−' ,;|"\u{A0}a1]|\PC){0,12}"#
        ) {
            let harmless = neutralised(&text);
            prop_assert!(!harmless.trim_start_matches(' ').starts_with(is_trigger));
            prop_assert_eq!(&*restored(&harmless), text.as_str());
        }
    }
}
