//! Character classes for texts that people type and programs export: ignorable, blank, trimmed and
//! forbidden characters.

use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// ZERO WIDTH NON-JOINER.
const NON_JOINER: char = '\u{200C}';
/// ZERO WIDTH JOINER.
pub(super) const JOINER: char = '\u{200D}';

/// Returns true for a character that is always removed. It is invisible, and a name without it is
/// the same name. These characters are a subset of Unicode's Default_Ignorable_Code_Point.
pub(super) const fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        // COMBINING GRAPHEME JOINER, Khmer inherent vowels.
        '\u{034F}' | '\u{17B4}' | '\u{17B5}'
        // Mongolian free variation selectors.
        | '\u{180B}'..='\u{180D}' | '\u{180F}'
        // WORD JOINER, KHITAN SMALL SCRIPT FILLER.
        | '\u{2060}' | '\u{16FE4}'
        // Variation selectors and their supplement.
        | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}'
    )
}

/// Returns true for a character that is replaced by a space: all spaces of Unicode (category Zs),
/// and letters and symbols without a visible shape.
pub(super) fn is_blank(character: char) -> bool {
    if character.is_ascii() {
        return character == ' ';
    }
    character.general_category() == GeneralCategory::SpaceSeparator
        || matches!(
            character,
            // Hangul fillers: CHOSEONG, JUNGSEONG, the compatibility one, HALFWIDTH.
            '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}'
            // BRAILLE PATTERN BLANK, EGYPTIAN HIEROGLYPH FULL BLANK and HALF BLANK.
            | '\u{2800}' | '\u{13441}' | '\u{13442}'
        )
}

/// Returns true for a character that is trimmed from both ends of a text: white space, and format
/// characters that programs leave around a copied value. Direction overrides are not trimmed,
/// because a text without them is read differently.
pub(super) fn is_edge(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\u{00AD}' | '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{FEFF}'
                // Embeddings, isolates, and the characters that end them.
                | '\u{202A}'..='\u{202C}' | '\u{2066}'..='\u{2069}'
        )
}

/// Returns true for ZERO WIDTH NON-JOINER and ZERO WIDTH JOINER.
pub(super) const fn is_joiner(character: char) -> bool {
    matches!(character, NON_JOINER | JOINER)
}

/// Returns true for a letter or mark of a script in which joiners have a meaning: Arabic and
/// related scripts, and Indic scripts.
pub(super) fn is_joinable(character: char) -> bool {
    let is_of_joining_script = matches!(
        u32::from(character),
        0x0600..=0x109F
            | 0x1700..=0x1CFF
            | 0xA800..=0xABFF
            | 0xFB50..=0xFDFF
            | 0xFE70..=0xFEFE
            | 0x1_0A00..=0x1_1FFF
            | 0x1_E900..=0x1_E95F
    );
    is_of_joining_script && !is_forbidden(character)
}

/// Returns true for a virama. After a virama, ZERO WIDTH JOINER has a meaning even at the end of a
/// word: it requests the half form, or in Malayalam a chillu.
pub(super) fn is_virama(character: char) -> bool {
    canonical_combining_class(character) == 9
}

/// Returns true for a forbidden character: control character, format character (bidi controls,
/// zero-width characters, tags), line break, or code point without a standard shape (surrogate,
/// private use, noncharacter, unassigned). These are Unicode's general categories Cc, Cf, Cs, Co,
/// Cn, Zl and Zp. U+FFFC and U+FFFD are also forbidden, because they replace a lost picture or
/// letter.
pub(super) fn is_forbidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    matches!(character, '\u{FFFC}' | char::REPLACEMENT_CHARACTER)
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

/// Returns the name of a frequent character, or the category of another character.
pub(super) fn describe(character: char) -> &'static str {
    match character {
        '\0' => "NUL",
        '\t' => "tab",
        '\n' => "line feed",
        '\r' => "carriage return",
        '\u{AD}' => "SOFT HYPHEN",
        '\u{61C}' => "ARABIC LETTER MARK",
        '\u{180E}' => "MONGOLIAN VOWEL SEPARATOR",
        '\u{200B}' => "ZERO WIDTH SPACE",
        NON_JOINER => "ZERO WIDTH NON-JOINER",
        JOINER => "ZERO WIDTH JOINER",
        '\u{200E}' => "LEFT-TO-RIGHT MARK",
        '\u{200F}' => "RIGHT-TO-LEFT MARK",
        '\u{2028}' => "LINE SEPARATOR",
        '\u{2029}' => "PARAGRAPH SEPARATOR",
        '\u{202A}' => "LEFT-TO-RIGHT EMBEDDING",
        '\u{202B}' => "RIGHT-TO-LEFT EMBEDDING",
        '\u{202C}' => "POP DIRECTIONAL FORMATTING",
        '\u{202D}' => "LEFT-TO-RIGHT OVERRIDE",
        '\u{202E}' => "RIGHT-TO-LEFT OVERRIDE",
        '\u{2066}' => "LEFT-TO-RIGHT ISOLATE",
        '\u{2067}' => "RIGHT-TO-LEFT ISOLATE",
        '\u{2068}' => "FIRST STRONG ISOLATE",
        '\u{2069}' => "POP DIRECTIONAL ISOLATE",
        '\u{FEFF}' => "ZERO WIDTH NO-BREAK SPACE",
        '\u{FFFC}' => "OBJECT REPLACEMENT CHARACTER",
        char::REPLACEMENT_CHARACTER => "REPLACEMENT CHARACTER",
        _ => match character.general_category() {
            GeneralCategory::Control => "control character",
            GeneralCategory::Format => "invisible format character",
            GeneralCategory::PrivateUse => "private-use character",
            _ => "unassigned character",
        },
    }
}
