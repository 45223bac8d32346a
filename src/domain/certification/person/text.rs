//! Cleaning and checking of single-line texts.

use unicode_normalization::UnicodeNormalization as _;

use super::characters::{
    JOINER, describe, is_blank, is_edge, is_forbidden, is_ignorable, is_joinable, is_joiner,
    is_virama,
};
use crate::domain::FieldError;
use crate::domain::kernel::refusal::REQUIRED;

/// Limits of a field's text.
#[derive(Clone, Copy)]
pub(in crate::domain) struct Rule {
    /// Name of the field in the API, for messages.
    pub field: &'static str,
    /// Maximum length of a value, in characters (Unicode scalar values after NFC).
    pub max_chars: usize,
    /// True if the joiners U+200C and U+200D are allowed between letters. Persian and most Indic
    /// names need them.
    pub joiners: bool,
}

impl Rule {
    /// Creates the rule of a field with words.
    pub const fn text(field: &'static str, max_chars: usize) -> Self {
        Self {
            field,
            max_chars,
            joiners: true,
        }
    }

    /// Creates the rule of a field without joiners.
    pub const fn code(field: &'static str, max_chars: usize) -> Self {
        Self {
            joiners: false,
            ..Self::text(field, max_chars)
        }
    }
}

/// Reason why a text was rejected. `problem` follows the field's name in a sentence, says how to
/// correct the text and never quotes it.
pub(in crate::domain) struct Fault {
    pub code: &'static str,
    pub problem: String,
}

/// Returns the stored form of a text: without ignorable characters, with each run of blanks
/// replaced by one space, composed (NFC) and trimmed. So texts that look the same usually have the
/// same bytes.
#[must_use]
pub fn clean(value: &str) -> String {
    let kept = value.chars().filter(|character| !is_ignorable(*character));
    let spaced = kept.map(|character| if is_blank(character) { ' ' } else { character });
    let mut text = String::with_capacity(value.len());
    for character in spaced.nfc() {
        if character != ' ' || !text.ends_with(' ') {
            text.push(character);
        }
    }
    let trimmed = without_edge_joiners(&text);
    if trimmed.len() == text.len() {
        text
    } else {
        trimmed.to_owned()
    }
}

/// Returns a text without white space and invisible format characters at its ends.
#[must_use]
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(is_edge)
}

/// Trims joiners from both ends, too, except a ZERO WIDTH JOINER after a virama at the end.
fn without_edge_joiners(text: &str) -> &str {
    let is_outside = |character| is_edge(character) || is_joiner(character);
    let text = text.trim_start_matches(is_outside);
    let core = text.trim_end_matches(is_outside);
    let is_half_form =
        text[core.len()..].starts_with(JOINER) && core.chars().next_back().is_some_and(is_virama);
    if is_half_form {
        &text[..core.len() + JOINER.len_utf8()]
    } else {
        core
    }
}

/// Rejects a text that is too long or contains a character that can't be printed on one line.
pub(in crate::domain) fn check(text: &str, rule: Rule) -> Result<(), Fault> {
    let mut previous = None;
    let mut characters = text.chars().enumerate().peekable();
    while let Some((index, character)) = characters.next() {
        let joins = rule.joiners
            && is_joiner(character)
            && previous.is_some_and(is_joinable)
            && (characters.peek().is_some() || previous.is_some_and(is_virama));
        if is_forbidden(character) && !joins {
            return Err(forbidden(character, index + 1));
        }
        previous = Some(character);
    }
    let length = text.chars().count();
    if length > rule.max_chars {
        let problem = format!(
            "has {length} characters; shorten it to {} at most",
            rule.max_chars
        );
        return Err(Fault {
            code: "TOO_LONG",
            problem,
        });
    }
    Ok(())
}

/// Checks that a text to be stored is one line of 1 to `max_chars` characters, with at least one
/// visible character.
///
/// # Errors
/// The text is empty, too long or contains a character that can't be printed on one line.
pub(in crate::domain) fn check_line(
    field: &'static str,
    text: &str,
    max_chars: usize,
) -> Result<(), FieldError> {
    if trimmed(text).is_empty() {
        let message = format!("give 1 to {max_chars} characters, without control characters");
        return Err(FieldError {
            field,
            code: REQUIRED,
            message,
        });
    }
    check(text, Rule::text(field, max_chars)).map_err(|fault| FieldError {
        field,
        code: fault.code,
        message: fault.problem,
    })
}

fn forbidden(character: char, position: usize) -> Fault {
    let code_point = u32::from(character);
    let name = describe(character);
    let advice = match character {
        char::REPLACEMENT_CHARACTER => {
            "it replaces a letter that was lost; save the file as UTF-8 or type the value again"
        }
        _ if is_joiner(character) => {
            "it has a meaning only inside words of scripts that join letters; remove it"
        }
        _ => "remove it or type the value again",
    };
    let problem = format!("contains U+{code_point:04X} ({name}) as character {position}; {advice}");
    Fault {
        code: "FORBIDDEN_CHARACTER",
        problem,
    }
}
