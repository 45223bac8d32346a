//! Text that a spreadsheet program takes for a formula when it opens a CSV file, made harmless.
//!
//! The rule, after OWASP's "CSV Injection": where a cell begins with `=`, `+`, `-`, `@`, a tab or a line
//! break, or one of their full-width forms, an apostrophe is put before that character. The same after a
//! separator or quotation mark inside of the cell, because a program set to another separator splits there;
//! spaces and apostrophes in between don't count. A text that begins with an apostrophe gets one more, because
//! programs take a leading apostrophe for the mark of a text. All of it can be undone exactly: [`restored`].

use std::borrow::Cow;

/// What begins a formula, or is stripped before one is looked for.
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

/// After what a cell may begin, for one program or another.
const fn is_separator(character: char) -> bool {
    matches!(character, ',' | ';' | '|' | '\t' | '\r' | '\n' | '"')
}

/// What may stand between a cell's beginning and its formula.
fn is_padding(character: char) -> bool {
    character == '\'' || (character.is_whitespace() && !is_trigger(character))
}

/// The text as a cell that is a text in every spreadsheet program.
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

/// The text that was made harmless; any other text stays as it is.
pub(in crate::spreadsheet) fn restored(text: &str) -> Cow<'_, str> {
    match text.strip_prefix('\'').filter(|rest| rest.starts_with('\'')) {
        Some(rest) => Cow::Owned(without_guards(rest).into_owned()),
        None => without_guards(text),
    }
}

/// The text without the apostrophes before what begins a formula.
fn without_guards(text: &str) -> Cow<'_, str> {
    let mut found = String::new();
    let mut copied = 0;
    let (mut begins, mut apostrophe) = (true, None);
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
    fn formulas_become_text() {
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
        for plain in ["", "Ada-Lovelace", "ada@example.com", "007", "x = 1", "d'Artagnan", "Ñandú, Ana"] {
            assert_eq!(neutralised(plain), plain);
        }
    }

    proptest! {
        #[test]
        fn nothing_begins_with_a_trigger_and_all_of_it_can_be_undone(
            text in r#"([=+\-@\t\r\n＝＋－＠−' ,;|"\u{A0}a1]|\PC){0,12}"#
        ) {
            let harmless = neutralised(&text);
            prop_assert!(!harmless.trim_start_matches(' ').starts_with(is_trigger));
            prop_assert_eq!(&*restored(&harmless), text.as_str());
        }
    }
}
