//! Names that a program damaged: lost letters, error values, escapes, markup.

use super::plausible::doubt;
use super::quotation::is_in_pairs;

/// Words that spreadsheets and other programs write instead of a name, in lower case.
const VALUES: &[&str] = &["true", "false", "verdadero", "falso"];
/// Spellings that mean "not a number". The spelling "Nan" is a name.
const NOT_A_NUMBER: &[&str] = &["NaN", "nan"];
/// Error values of spreadsheets that have no final mark, in upper case.
const ERRORS: &[&str] = &["#N/A", "#N/D", "#ND", "#NV", "#I/T", "#Н/Д"];

/// Problem of a text, as code and message. The message follows the field's name in a sentence and
/// never quotes the text.
pub(super) type Fault = (&'static str, &'static str);

/// Fault of a name with a word that programs write instead of a missing value.
pub(super) const LEFTOVER: Fault = (
    "INVALID_NAME",
    "contains a word for a missing value, such as NULL, undefined or x; write the person's name, or - in place of a \
     name that the person doesn't have",
);

/// Returns the first damage found in a name, if any.
pub(super) fn problem(name: &str) -> Option<Fault> {
    let invalid = |message| Some(("INVALID_NAME", message));
    let mut words = name.split_whitespace().peekable();
    let is_value = |word: &str| {
        VALUES.contains(&word.to_lowercase().as_str())
            || NOT_A_NUMBER.contains(&word)
            || word == "null"
    };
    if words.peek().is_some() && words.all(is_value) {
        return invalid("is a value of a program, not a name; write the person's name");
    }
    if has_error(name) {
        return invalid(
            "contains an error of a spreadsheet; correct the formula or write the person's name",
        );
    }
    if has_entity(name) || has_escape(name) {
        return invalid(
            "contains a letter as a code, such as \"&eacute;\", \"%C3%A9\" or \"_x000D_\"; write the letter itself",
        );
    }
    if name.starts_with('=') {
        return invalid("is a formula and not its value; write the person's name");
    }
    if is_machine_text(name) {
        return invalid(
            "contains a placeholder of a template, an object or an address; write the name alone",
        );
    }
    if name.contains(['<', '>']) {
        return invalid(
            "contains an angle bracket; write the name alone, without e-mail address or markup",
        );
    }
    if meets(name, |c| c == '@', |before, after| before && after) {
        return invalid("contains an e-mail address; write the name alone");
    }
    if meets(
        name,
        |c| matches!(c, '?' | char::REPLACEMENT_CHARACTER),
        |before, after| before || after,
    ) {
        return invalid(
            "contains a question mark in place of a letter; write the letter, and save the file as UTF-8",
        );
    }
    if leftover(name).is_some() {
        return Some(LEFTOVER);
    }
    if !is_in_pairs(name) {
        return Some(STRAY_QUOTE);
    }
    doubt(name, false).map(|doubt| ("MISREAD_TEXT", doubt.message()))
}

/// Fault of a text with quotation marks around the whole text, or with marks that are not in pairs
/// around words.
pub(super) const STRAY_QUOTE: Fault = (
    "STRAY_QUOTE",
    "has quotation marks around the whole text, or one that is not closed or not around a word; remove it",
);

/// Finds a word that means a missing value in a name with other words. "Jennifer Null", "JENNIFER
/// NULL", "Nan Wang" and "Malcolm X" are accepted as names.
pub(super) fn leftover(name: &str) -> Option<&str> {
    let words: Vec<&str> = name
        .split_whitespace()
        .map(|word| {
            word.trim_matches(|c: char| matches!(c, ',' | ';' | '(' | ')' | '[' | ']' | '"'))
        })
        .filter(|word| !word.is_empty())
        .collect();
    if let [.., before, last] = words.as_slice()
        && words.len() > 2
        && NO_SURNAME.contains(&(before.to_lowercase().as_str(), last.to_lowercase().as_str()))
    {
        return Some(last);
    }
    let others = |index: usize| {
        words
            .iter()
            .enumerate()
            .filter(move |(other, _)| *other != index)
            .map(|(_, word)| *word)
    };
    let found = |&(index, word): &(usize, &&str)| {
        let has_capital = || others(index).any(|other| other.starts_with(char::is_uppercase));
        let are_capitals = || {
            others(index)
                .all(|other| !other.contains(|c: char| c.is_alphabetic() && !c.is_uppercase()))
        };
        let is_last = index + 1 == words.len();
        match *word {
            "null" | "none" | "None" | "NaN" | "FNU" | "LNU" => true,
            "nan" | "true" | "false" => has_capital(),
            "NULL" | "NONE" | "FALSE" => !are_capitals(),
            "x" | "xx" | "xxx" => is_last && has_capital(),
            word => word.eq_ignore_ascii_case("undefined"),
        }
    };
    (words.len() > 1)
        .then(|| words.iter().enumerate().find(found).map(|(_, word)| *word))
        .flatten()
}

/// Last two words of a name that mean "no surname", in lower case.
const NO_SURNAME: [(&str, &str); 6] = [
    ("no", "tiene"),
    ("no", "tengo"),
    ("no", "aplica"),
    ("sin", "apellido"),
    ("sin", "apellidos"),
    ("sem", "sobrenome"),
];

/// Returns true for a text that a program wrote: a template's placeholder, a JavaScript object or a
/// web address.
pub(super) fn is_machine_text(text: &str) -> bool {
    let lower = text.to_lowercase();
    let is_field = text.starts_with('«') && text.ends_with('»');
    is_field
        || text.contains(['{', '}'])
        || lower.contains("[object")
        || lower.contains("://")
        || lower
            .split_whitespace()
            .any(|word| word.starts_with("www."))
}

/// Returns true if a word of the text is an error value of a spreadsheet.
pub(super) fn has_error(text: &str) -> bool {
    text.split_whitespace().any(is_error)
}

/// Returns true if the text contains an escape of XLSX, such as "_x000D_". Programs only escape the
/// underscore and characters other than printable ASCII.
pub(super) fn has_workbook_escape(text: &str) -> bool {
    text.split("_x").skip(1).any(|rest| {
        let code = rest
            .get(..4)
            .filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = code
            .filter(|_| rest.get(4..5) == Some("_"))
            .and_then(|code| u32::from_str_radix(code, 16).ok());
        code.is_some_and(|code| !matches!(code, 0x20..=0x5E | 0x60..=0x7E))
    })
}

/// Returns true for an error value of a spreadsheet program in any language, such as "#REF!",
/// "#¿NOMBRE?" and "####".
fn is_error(word: &str) -> bool {
    let word = word
        .trim_start_matches('=')
        .trim_matches(['"', ',', ';', '(', ')']);
    let Some(rest) = word.strip_prefix('#') else {
        return false;
    };
    let is_filled = !rest.is_empty() && rest.chars().all(|c| c == '#');
    let is_marked = rest.ends_with(['!', '?']) && rest.chars().any(char::is_alphabetic);
    is_filled || is_marked || ERRORS.contains(&word.to_uppercase().as_str())
}

/// Returns true if the text contains a character reference of HTML, such as "&eacute;", "&#233;" or
/// "&#xE9;".
fn has_entity(text: &str) -> bool {
    text.split('&').skip(1).any(|rest| {
        let Some((code, _)) = rest.split_once(';') else {
            return false;
        };
        let digits = code.strip_prefix('#').unwrap_or(code);
        !digits.is_empty() && code.len() <= 10 && digits.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

/// Returns true if the text contains an escape such as "\u00e9", "\xE9", "%C3%A9", "=C3=A9" or
/// "_x00E9_".
fn has_escape(text: &str) -> bool {
    let begins_with = |rest: &str, digits: usize| {
        let start: Vec<char> = rest.chars().take(digits).collect();
        start.len() == digits && start.iter().all(char::is_ascii_hexdigit)
    };
    let after = |mark: &'static str, digits: usize| {
        text.split(mark)
            .skip(1)
            .any(|rest| begins_with(rest, digits))
    };
    // A single "=" with digits may also begin a formula, so two are required, as in an encoded
    // letter.
    let parts: Vec<&str> = text.split('=').skip(1).collect();
    let is_quoted_printable = parts.windows(2).any(|pair| {
        pair.iter().all(|part| begins_with(part, 2))
            && pair.first().is_some_and(|part| part.len() == 2)
    });
    after("\\u", 4)
        || after("\\x", 2)
        || after("%", 2)
        || is_quoted_printable
        || has_workbook_escape(text)
}

/// Returns true if `judge` accepts the neighbours of a wanted character. `judge` gets two flags:
/// whether a letter or digit is before the character, and whether one is after it.
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
mod tests;
