//! One line of text about a person: what it may contain, whoever typed or exported it.

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// How much a field holds and how strict it is.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// The field's name in the API, for messages.
    pub field: &'static str,
    /// The longest value, in characters (Unicode scalar values after NFC).
    pub max_chars: usize,
    /// Whether U+200C and U+200D may join letters: Persian and most Indic names need them.
    pub joiners: bool,
}

/// Why a text was refused; the message says what to do and never repeats the text.
pub(super) struct Fault {
    pub code: &'static str,
    pub message: String,
}

/// The text without space around it, composed (NFC), so that equal texts have equal bytes.
pub(super) fn clean(value: &str) -> String {
    value.trim().nfc().collect()
}

/// Refuses text that is too long or holds a character that cannot stand on one printed line.
pub(super) fn check(text: &str, rule: Rule) -> Result<(), Fault> {
    let mut previous = None;
    let mut characters = text.chars().enumerate().peekable();
    while let Some((index, character)) = characters.next() {
        let joins = rule.joiners && characters.peek().is_some() && previous.is_some_and(is_joinable);
        let is_joiner = matches!(character, '\u{200C}' | '\u{200D}');
        if is_forbidden(character) && !(is_joiner && joins) {
            return Err(forbidden(rule.field, character, index + 1));
        }
        previous = Some(character);
    }
    let length = text.chars().count();
    if length > rule.max_chars {
        let (field, max) = (rule.field, rule.max_chars);
        return Err(Fault {
            code: "TOO_LONG",
            message: format!("{field} has {length} characters; shorten it to {max} at most"),
        });
    }
    Ok(())
}

/// Joiners only mean something after a letter of a script that joins; all of those lie past Cyrillic.
fn is_joinable(character: char) -> bool {
    character >= '\u{0600}' && !is_forbidden(character)
}

/// Control, format (bidi controls, zero-width, tags), line breaks, and code points that no font can
/// show everywhere: private use, noncharacters and unassigned ones (Unicode general categories Cc,
/// Cf, Cs, Co, Cn, Zl, Zp), and U+FFFD, which is what a misread encoding leaves behind.
pub(super) fn is_forbidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character == char::REPLACEMENT_CHARACTER
        || matches!(
            character.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::Surrogate
                | GeneralCategory::PrivateUse
                | GeneralCategory::Unassigned
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
}

fn forbidden(field: &str, character: char, position: usize) -> Fault {
    let code_point = u32::from(character);
    let name = describe(character);
    let advice = if character == char::REPLACEMENT_CHARACTER {
        "it stands where a letter was lost; save the file as UTF-8 or type the value again"
    } else {
        "remove it or type the value again"
    };
    Fault {
        code: "FORBIDDEN_CHARACTER",
        message: format!("{field} contains U+{code_point:04X} ({name}) as character {position}; {advice}"),
    }
}

/// A name a person recognises for the characters met most often; the category for the rest.
fn describe(character: char) -> &'static str {
    match character {
        '\0' => "NUL",
        '\t' => "tab",
        '\n' => "line feed",
        '\r' => "carriage return",
        '\u{AD}' => "soft hyphen",
        '\u{61C}' | '\u{200E}' | '\u{200F}' => "invisible direction mark",
        '\u{200B}' | '\u{2060}' | '\u{FEFF}' => "zero-width space",
        '\u{200C}' | '\u{200D}' => "zero-width joiner",
        '\u{2028}' | '\u{2029}' => "line separator",
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => "invisible direction control",
        char::REPLACEMENT_CHARACTER => "replacement character",
        _ => match character.general_category() {
            GeneralCategory::Control => "control character",
            GeneralCategory::Format => "invisible format character",
            GeneralCategory::PrivateUse => "private-use character",
            _ => "unassigned character",
        },
    }
}
