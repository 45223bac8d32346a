//! Detection of names that were read in the wrong encoding.

use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory as _};

mod cyrillic;
mod prefixes;
mod scripts;
mod twice;

pub(crate) use twice::{untwice, windows_1252_byte};

/// Reason to assume that a name was misread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// UTF-8 that was decoded as Windows-1252, as in "JosÃ©".
    ReadTwice,
    /// A symbol within a word, as in "Mu–oz" or "Mar¡a".
    SymbolInside,
    /// An upper-case letter after a lower-case one, as in "JosŽ" and "юлиЯ".
    CapitalInside,
    /// A lower-case letter with an accent in a word in capitals, as in "GARCêA".
    SmallInside,
    /// A lower-case letter with an accent at the start of a word, in a name with capitals, as in
    /// "àscar Mora".
    SmallInitial,
    /// Letters of two scripts in one word, as in "JosИ", or a combining mark without its letter, as
    /// in "֤igo".
    MixedScripts,
    /// A sequence of letters that does not occur in names, as in "Âàíîâà" and "Ђнна".
    Improbable,
}

impl Doubt {
    /// Returns the problem as a text that follows the field's name in an error.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::ReadTwice => {
                "was encoded twice (\"Ã©\" for \"é\"); correct it, or export the file again as UTF-8"
            }
            Self::SymbolInside => {
                "has a symbol inside of a word, as from a wrong encoding; type it again"
            }
            Self::CapitalInside => {
                "has a capital behind a small letter, as from a wrong encoding; type it again"
            }
            Self::SmallInside => {
                "has a small letter with an accent between capitals, as from a wrong encoding; type it again"
            }
            Self::SmallInitial => {
                "begins a word with a small letter with an accent, as from a wrong encoding; type it again"
            }
            Self::MixedScripts => {
                "mixes scripts in one word or has a mark without its letter, as from a wrong encoding; type it again, \
                 or give the encoding of the file in `encoding`"
            }
            Self::Improbable => {
                "has letters in an order that no name has, as from a wrong encoding; type it again, or give the \
                 encoding of the file in `encoding`"
            }
        }
    }
}

/// Returns the first sign that a name was misread, if any. If `is_guessed` is true, the encoding is
/// only a guess, and the rules are stricter.
pub(crate) fn doubt(name: &str, is_guessed: bool) -> Option<Doubt> {
    if name.is_ascii() {
        return None;
    }
    if untwice(name).is_some() {
        return Some(Doubt::ReadTwice);
    }
    let characters: Vec<char> = name.chars().collect();
    if is_guessed && let Some(doubt) = doubtful_when_guessed(&characters) {
        return Some(doubt);
    }
    if scripts::are_mixed(&characters) {
        return Some(Doubt::MixedScripts);
    }
    let at = |index: Option<usize>| index.and_then(|index| characters.get(index)).copied();
    for (index, &character) in characters.iter().enumerate() {
        let before = at(index.checked_sub(1));
        let after = at(Some(index + 1));
        let found = doubtful(character, before, after, is_guessed);
        let is_usual = |doubt: &Doubt| {
            *doubt == Doubt::CapitalInside
                && prefixes::is_after_prefix(&characters, index, is_guessed)
        };
        if let Some(doubt) = found.filter(|doubt| !is_usual(doubt)) {
            return Some(doubt);
        }
    }
    None
}

/// Returns true for a text, such as the name of an event, that was certainly read in a wrong
/// encoding. It was encoded twice, has an accented capital at the end of a word in lower case, or
/// has a rare symbol between lower-case letters. The rules are less strict than for names, because
/// texts contain more symbols.
pub(crate) fn is_misread_text(text: &str) -> bool {
    let is_small = |c: &char| has_case(*c) && c.is_lowercase();
    let characters: Vec<char> = text.chars().collect();
    let is_lost = |three: &[char]| {
        let [before, character, after] = three else {
            return false;
        };
        let is_usual = matches!(character, '…' | '•' | '™' | '®' | '©' | '°' | '×');
        let is_rare = is_symbol(*character)
            && character.general_category() != Category::DashPunctuation
            && !character.is_ascii()
            && !is_usual;
        is_rare && is_small(before) && is_small(after)
    };
    let ends_in_capital = |word: &str| {
        let mut letters = word.chars().rev().filter(|c| c.is_alphabetic());
        let last = letters
            .next()
            .is_some_and(|c| is_latin(c) && !c.is_ascii() && c.is_uppercase());
        let mut rest = letters.peekable();
        last && word.chars().count() > 2 && rest.peek().is_some() && {
            let rest: Vec<char> = rest.collect();
            rest.iter().take(rest.len() - 1).all(is_small) && rest.len() > 1
        }
    };
    untwice(text).is_some()
        || characters.windows(3).any(is_lost)
        || text.split_whitespace().any(ends_in_capital)
}

/// Returns the first sign that is only checked if the encoding is a guess, such as a lower-case
/// letter between capitals, East Asian signs next to Latin letters, or quotation marks and dots
/// within words.
fn doubtful_when_guessed(name: &[char]) -> Option<Doubt> {
    if has_small_initial(name) {
        return Some(Doubt::SmallInitial);
    }
    if cyrillic::is_misread(name) || has_misread_eth(name) || has_only_accents(name) {
        return Some(Doubt::Improbable);
    }
    let is_east_asian = name.iter().any(|&c| c >= '\u{2E80}' && c.is_alphabetic());
    for word in name.split(|c| c.is_whitespace() && *c != '\u{A0}') {
        if has_small_between_capitals(word) {
            return Some(Doubt::SmallInside);
        }
        if has_half_width_part(word) {
            return Some(Doubt::Improbable);
        }
        if is_without_letters(word) {
            return Some(Doubt::SymbolInside);
        }
        for (index, &character) in word.iter().enumerate().filter(|(_, c)| !c.is_ascii()) {
            let before = index
                .checked_sub(1)
                .and_then(|index| word.get(index))
                .copied();
            let after = word.get(index + 1).copied();
            let before_latin = before.is_some_and(is_latin);
            let after_latin = after.is_some_and(is_latin);
            let is_capital = |c: Option<char>| c.is_some_and(char::is_uppercase);
            let is_small = |c: Option<char>| c.is_some_and(|c| is_latin(c) && c.is_lowercase());
            let is_sign = match character {
                '“' | '”' | '«' | '»' => after_latin && before_latin,
                // "Gal·la" is correct, because its dot is between letters.
                '·' => after_latin != before_latin,
                '‘' => is_small(before) || (before_latin && is_small(after)),
                '’' => before_latin && after.is_none() && !name.contains(&'‘'),
                'ƒ' => true,
                '（' | '）' | '・' => !is_east_asian && (after_latin || before_latin),
                '\u{2600}'.. => !character.is_alphabetic() && (after_latin || before_latin),
                _ => false,
            };
            if is_sign {
                return Some(Doubt::SymbolInside);
            }
            // In "KŠthe", a capital replaces a vowel.
            if is_latin(character)
                && character.is_uppercase()
                && is_capital(before)
                && is_small(after)
            {
                return Some(Doubt::CapitalInside);
            }
        }
    }
    None
}

/// Returns true for a word with more symbols than letters, such as "™˜„". Hebrew text of DOS looks
/// like this if it is decoded as Windows-1252.
fn is_without_letters(word: &[char]) -> bool {
    let is_odd = |c: &char| !c.is_ascii() && c.general_category() != Category::DashPunctuation;
    let letters = word.iter().filter(|c| c.is_alphabetic()).count();
    let symbols = word
        .iter()
        .filter(|c| is_odd(c) && !c.is_alphabetic() && !is_mark(**c))
        .count();
    symbols > letters
}

/// Returns true if a word begins with an accented lower-case letter, U+00E0 to U+017F, and another
/// word begins with a capital. Words of one or two characters are ignored.
fn has_small_initial(name: &[char]) -> bool {
    let words = || {
        name.split(|c| c.is_whitespace())
            .filter(|word| word.len() >= 3)
    };
    let is_small =
        |c: &char| matches!(*c, '\u{E0}'..='\u{17F}') && is_latin(*c) && c.is_lowercase();
    words().any(|word| word.first().is_some_and(is_small))
        && words().any(|word| word.first().is_some_and(|c| c.is_uppercase()))
}

/// Returns true for a word in capitals that contains a lower-case letter with an accent, as in
/// "GARCêA".
fn has_small_between_capitals(word: &[char]) -> bool {
    word.split(|c| !c.is_alphabetic()).any(|part| {
        // "ß" is excluded, because it is also used between capitals.
        let is_small = |c: &char| is_latin(*c) && !c.is_ascii() && c.is_lowercase() && *c != 'ß';
        let capitals = part.iter().filter(|c| c.is_ascii_uppercase()).count();
        capitals >= 2 && part.iter().any(is_small) && !part.iter().any(char::is_ascii_lowercase)
    })
}

/// Returns true for a word with half-width Katakana and other East Asian letters. A correct name
/// has only one of the two.
fn has_half_width_part(word: &[char]) -> bool {
    let is_half = |c: &char| matches!(*c, '\u{FF66}'..='\u{FF9F}');
    word.iter().any(is_half)
        && word
            .iter()
            .any(|c| *c >= '\u{2E80}' && c.is_alphabetic() && !is_half(c))
}

fn doubtful(
    character: char,
    before: Option<char>,
    after: Option<char>,
    is_guessed: bool,
) -> Option<Doubt> {
    if character.is_ascii() {
        return None;
    }
    let is_letter = |c: Option<char>| c.is_some_and(has_case);
    let is_small = |c: Option<char>| c.is_some_and(|c| has_case(c) && c.is_lowercase());
    if is_guessed && is_doubtful_letter(character, before, after) {
        return Some(Doubt::SymbolInside);
    }
    if is_symbol(character) {
        let inside = is_letter(before) || is_letter(after);
        return (inside && !is_punctuation(character, before, after, is_guessed))
            .then_some(Doubt::SymbolInside);
    }
    if has_case(character) && character.is_uppercase() && is_small(before) {
        let is_doubtful = if is_latin(character) {
            // "McÉvoy" is correct: lower-case letters follow the capital.
            is_guessed || !is_small(after)
        } else {
            // "МакДональд" is correct, because lower-case letters follow, and "ИвановА.А." has
            // initials.
            !is_small(after) && after != Some('.')
                || is_guessed && matches!(character, 'Я' | 'Ю' | 'Э')
        };
        return is_doubtful.then_some(Doubt::CapitalInside);
    }
    let is_ordinal = |c: char| matches!(c, 'ª' | 'º');
    // Marks of half-width Katakana are excluded, because each is one byte in Shift_JIS.
    let is_joined = |c: char| is_mark(c) && c < '\u{3000}';
    let is_other = |c: char| c.is_alphabetic() && !is_latin(c) && !is_joined(c) && !is_ordinal(c);
    let meets_latin = before.is_some_and(is_latin) || after.is_some_and(is_latin);
    (is_guessed && is_other(character) && meets_latin).then_some(Doubt::MixedScripts)
}

/// Returns true for a symbol that is plausible next to letters: a dash used as a hyphen, as in
/// "Jean–Pierre" and "Салтыков–Щедрин", or a low quotation mark before a nickname.
fn is_punctuation(
    character: char,
    before: Option<char>,
    after: Option<char>,
    is_guessed: bool,
) -> bool {
    let is_small = after.is_some_and(|c| has_case(c) && c.is_lowercase());
    let is_latin = before.is_some_and(is_latin) || after.is_some_and(is_latin);
    let is_dash = character.general_category() == Category::DashPunctuation;
    // The dash in "Mu–oz" replaces a letter: if Windows-1252 is decoded as MacRoman, "Ñ" becomes a
    // dash.
    (is_dash || character == '„') && !is_small && !(is_guessed && is_latin)
        // On old keyboards, the Greek accent is typed before a capital.
        || character == '\u{384}' && !is_latin
}

/// Returns true if all letters of a word with at least 5 letters, or of a name with at least 6, are
/// Latin letters with accents. Text of another alphabet looks like this if it is decoded as
/// Windows-1252.
fn has_only_accents(name: &[char]) -> bool {
    let letters = |text: &[char]| text.iter().filter(|c| c.is_alphabetic()).count();
    let is_accented = |c: &char| is_latin(*c) && matches!(*c, '\u{C0}'..='\u{17F}');
    let are_all = |text: &[char]| text.iter().filter(|c| c.is_alphabetic()).all(is_accented);
    let mut words = name.split(|c| c.is_whitespace());
    words.any(|word| letters(word) >= 5 && are_all(word)) || letters(name) >= 6 && are_all(name)
}

/// Returns true for pairs of letters that do not occur in names, such as "òð" and "çr". If
/// Windows-1257 is decoded as Windows-1252, "š" becomes "ð" and "ē" becomes "ç".
fn has_misread_eth(name: &[char]) -> bool {
    name.windows(2).any(|pair| {
        matches!(
            pair,
            ['ò', 'ð'] | ['ð', 'ò' | 'ð' | 'û' | 'ë' | 'ç'] | ['û' | 'ë' | 'ç', 'ð'] | ['ç', 'r']
        )
    })
}

/// Returns true for characters that are correct in some names but replace other letters in misread
/// ones: an apostrophe or a no-break space between letters, or an "œ" before a letter that does not
/// follow it in names.
fn is_doubtful_letter(character: char, before: Option<char>, after: Option<char>) -> bool {
    let is_small = |c: Option<char>| c.is_some_and(|c| is_latin(c) && c.is_lowercase());
    match character {
        '’' => is_small(before) && is_small(after),
        '\u{A0}' => before.is_some_and(is_latin) && is_small(after),
        'œ' => !matches!(after, Some('u' | 'w' | 'h' | 'r' | 't')),
        _ => false,
    }
}

/// Returns true for Latin letters.
pub(crate) const fn is_latin(character: char) -> bool {
    matches!(character, 'a'..='z' | 'A'..='Z' | '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}')
        && !matches!(character, '×' | '÷')
}

/// Returns true for letters of alphabets with upper and lower case: Latin, Greek and Cyrillic.
fn has_case(character: char) -> bool {
    is_latin(character)
        || matches!(character, '\u{370}'..='\u{52F}' | '\u{1F00}'..='\u{1FFF}')
            && character.is_alphabetic()
}

fn is_mark(character: char) -> bool {
    matches!(
        character.general_category(),
        Category::NonspacingMark | Category::ModifierLetter
    )
}

/// Returns true for symbols that do not occur in names and that replace letters in misread names.
fn is_symbol(character: char) -> bool {
    // These occur in names: apostrophes, the middle dot of Catalan, ordinals as in "Mª", and
    // quotation marks around nicknames.
    if matches!(
        character,
        '’' | '‘' | '´' | '·' | 'ª' | 'º' | '“' | '”' | '«' | '»'
    ) {
        return false;
    }
    let kind = character.general_category();
    matches!(character, 'µ' | '\u{2C6}')
        || matches!(
            kind,
            Category::CurrencySymbol
                | Category::MathSymbol
                | Category::OtherSymbol
                | Category::ModifierSymbol
                | Category::OtherNumber
                | Category::DashPunctuation
                | Category::OtherPunctuation
                | Category::OpenPunctuation
                | Category::InitialPunctuation
                | Category::FinalPunctuation
                | Category::Control
        ) && character < '\u{2600}'
            && character != '\u{2010}'
            && character != '\u{2011}'
}

#[cfg(test)]
mod tests;
