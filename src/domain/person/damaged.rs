//! Names that a program damaged: lost letters, error values, escapes and markup.

/// Words of spreadsheets and programs that stand in place of a name, in lower case.
const VALUES: &[&str] = &["true", "false", "verdadero", "falso"];
/// Texts for "not a number". "Nan" is a name.
const NOT_A_NUMBER: &[&str] = &["NaN", "nan"];
/// Error values of spreadsheets without a final mark, in upper case.
const ERRORS: &[&str] = &["#N/A", "#N/D", "#ND", "#NV", "#I/T", "#Н/Д"];

/// Finds damage in a name. The problem follows the field's name, says what to do and never repeats the name.
pub(super) fn problem(name: &str) -> Option<&'static str> {
    let mut words = name.split_whitespace().peekable();
    let is_value = |word: &str| {
        VALUES.contains(&word.to_lowercase().as_str()) || NOT_A_NUMBER.contains(&word) || word == "null"
    };
    if words.peek().is_some() && words.all(is_value) {
        return Some("is a value of a program, not a name; write the person's name");
    }
    if name.split_whitespace().any(is_error) {
        return Some("contains an error of a spreadsheet; correct the formula or write the person's name");
    }
    if has_entity(name) || has_escape(name) {
        return Some(
            "contains a letter as a code, such as \"&eacute;\" or \"%C3%A9\"; write the letter itself",
        );
    }
    if name.contains(['<', '>']) {
        return Some("contains an angle bracket; write the name alone, without e-mail address or markup");
    }
    if meets(name, |c| c == '@', |before, after| before && after) {
        return Some("contains an e-mail address; write the name alone");
    }
    if meets(name, |c| matches!(c, '?' | char::REPLACEMENT_CHARACTER), |before, after| before || after) {
        return Some(
            "contains a question mark in place of a letter; write the letter, and save the file as UTF-8",
        );
    }
    None
}

/// Returns true for an error value of a spreadsheet program in any language, as in "#REF!", "#¿NOMBRE?" and "####".
fn is_error(word: &str) -> bool {
    let word = word.trim_start_matches('=').trim_matches(['"', ',', ';', '(', ')']);
    let Some(rest) = word.strip_prefix('#') else { return false };
    let is_filled = !rest.is_empty() && rest.chars().all(|c| c == '#');
    let is_marked = rest.ends_with(['!', '?']) && rest.chars().any(char::is_alphabetic);
    is_filled || is_marked || ERRORS.contains(&word.to_uppercase().as_str())
}

/// Returns true if the text contains a character reference of HTML, such as "&eacute;", "&#233;" or "&#xE9;".
fn has_entity(text: &str) -> bool {
    text.split('&').skip(1).any(|rest| {
        let Some((code, _)) = rest.split_once(';') else { return false };
        let digits = code.strip_prefix('#').unwrap_or(code);
        !digits.is_empty() && code.len() <= 10 && digits.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

/// Returns true if the text contains an escape such as "\u00e9", "\xE9", "%C3%A9" or "=C3=A9".
fn has_escape(text: &str) -> bool {
    let begins_with = |rest: &str, digits: usize| {
        let start: Vec<char> = rest.chars().take(digits).collect();
        start.len() == digits && start.iter().all(char::is_ascii_hexdigit)
    };
    let after =
        |mark: &'static str, digits: usize| text.split(mark).skip(1).any(|rest| begins_with(rest, digits));
    // One "=" with digits also begins a formula; an encoded letter takes two.
    let parts: Vec<&str> = text.split('=').skip(1).collect();
    let is_quoted_printable = parts.windows(2).any(|pair| {
        pair.iter().all(|part| begins_with(part, 2)) && pair.first().is_some_and(|part| part.len() == 2)
    });
    after("\\u", 4) || after("\\x", 2) || after("%", 2) || is_quoted_printable
}

/// Returns true if a wanted character has a letter or digit before it and after it, as `judge` demands.
fn meets(text: &str, is_wanted: fn(char) -> bool, judge: fn(bool, bool) -> bool) -> bool {
    let mut before = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let after = characters.peek().is_some_and(|next| next.is_alphanumeric());
        if is_wanted(character) && judge(before, after) {
            return true;
        }
        before = character.is_alphanumeric();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn damaged_names_have_a_problem() {
        for name in [
            "Jos? Mu?oz",
            "Mar?a",
            "Jos?",
            "?lvaro Gil",
            "Mar\u{FFFD}a",
            "#REF!",
            "#N/A",
            "#n/a",
            "#N/D",
            "#NAME?",
            "#¿NOMBRE?",
            "#VALUE!",
            "#¡VALOR!",
            "#NULL!",
            "#DIV/0!",
            "#¡DIV/0!",
            "#¡REF!",
            "#WERT!",
            "#SPILL!",
            "########",
            "Ana #REF!",
            "=#REF!",
            "TRUE",
            "False",
            "VERDADERO",
            "FALSO",
            "NaN",
            "nan nan",
            "null",
            "null null",
            "Jos&eacute; Mora",
            "Jos&#233;",
            "Jos&#xE9;",
            "Smith &amp; Jones",
            "Jos\\u00e9",
            "Jos\\xe9",
            "Jos%C3%A9",
            "Jos%E9",
            "Jos=C3=A9",
            "Ana Ruiz <ana@x.org>",
            "<b>Ana</b>",
            "ana@x.org",
            "Ana Ruiz ana.ruiz@x.org",
        ] {
            assert!(problem(name).is_some(), "{name}");
        }
    }

    #[test]
    fn real_names_have_none() {
        for name in [
            "O'Neil",
            "O’Neil",
            "O‘Neil",
            "O´Donnell",
            "O`Brien",
            "Anne-Marie Smith-Jones",
            "Sammy Davis Jr.",
            "J. R. R. Tolkien",
            "Ravi s/o Kumar",
            "William (Bill) Gates",
            "Ana & Luis Rojas",
            "John 3rd",
            "Gal·la Pérez",
            "Kaʻiulani",
            "Raꞌmon",
            "ǃXóõ",
            "ǀXam ǁKhana",
            "Null Anderson",
            "Jennifer Null",
            "True Panya",
            "Nan",
            "José “Pepe” Gómez",
            "#7 Ana",
            "=HYPERLINK(\"http://x\",\"a\")",
            "=ADDRESS(1)",
            "@SUM(1)",
            "+Ana",
            "100% Ana",
            "山田 太郎",
            "محمد علی",
        ] {
            assert_eq!(problem(name), None, "{name}");
        }
    }
}
