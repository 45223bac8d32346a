//! Signs that a name was read in the wrong encoding.

use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory as _};

use super::charset::untwice;

mod scripts;

/// Implausible part of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// UTF-8 that was taken for Windows-1252, as in "JosÃ©".
    ReadTwice,
    /// A symbol within a word, as in "Mu–oz" or "Mar¡a".
    SymbolInside,
    /// A capital with an accent behind a small letter, as in "JosŽ".
    CapitalInside,
    /// A small letter with an accent in a word of capitals, as in "GARCêA".
    SmallInside,
    /// A small letter with an accent at the start of a name with capitals, as in "àscar Mora".
    SmallInitial,
    /// Letters of two scripts in one word, as in "JosИ", or a mark without its letter, as in "֤igo".
    MixedScripts,
}

impl Doubt {
    /// The doubt in words, for an error about the field.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::ReadTwice => {
                "was encoded twice (\"Ã©\" for \"é\"); correct it, or export the file again as UTF-8"
            }
            Self::SymbolInside => "has a symbol inside of a word, as from a wrong encoding; type it again",
            Self::CapitalInside => {
                "has an accented capital behind a small letter, as from a wrong encoding; type it again"
            }
            Self::SmallInside => {
                "has a small letter with an accent between capitals, as from a wrong encoding; type it again"
            }
            Self::SmallInitial => {
                "begins a word with a small letter with an accent, as from a wrong encoding; type it again"
            }
            Self::MixedScripts => {
                "mixes scripts in one word or has a mark without its letter, as from a wrong encoding; type it again, \
                 or say with `encoding` which encoding the file has"
            }
        }
    }
}

/// Finds a sign that a name is misread. `is_guessed` judges more strictly: nothing but a guess tells the
/// encoding.
pub(super) fn doubt(name: &str, is_guessed: bool) -> Option<Doubt> {
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
        let (before, after) = (at(index.checked_sub(1)), at(Some(index + 1)));
        if let Some(doubt) = doubtful(character, before, after, is_guessed) {
            return Some(doubt);
        }
    }
    None
}

/// Finds signs that tell only a wrong guess, in words as a whole: a small letter between capitals, East Asian signs
/// next to Latin letters, quotation marks and dots within words.
fn doubtful_when_guessed(name: &[char]) -> Option<Doubt> {
    if has_small_initial(name) {
        return Some(Doubt::SmallInitial);
    }
    let is_east_asian = name.iter().any(|&c| c >= '\u{2E80}' && c.is_alphabetic());
    for word in name.split(|c| c.is_whitespace() && *c != '\u{A0}') {
        if has_small_between_capitals(word) {
            return Some(Doubt::SmallInside);
        }
        for (index, &character) in word.iter().enumerate().filter(|(_, c)| !c.is_ascii()) {
            let before = index.checked_sub(1).and_then(|index| word.get(index)).copied();
            let after = word.get(index + 1).copied();
            let (before_latin, after_latin) = (before.is_some_and(is_latin), after.is_some_and(is_latin));
            let is_capital = |c: Option<char>| c.is_some_and(char::is_uppercase);
            let is_small = |c: Option<char>| c.is_some_and(|c| is_latin(c) && c.is_lowercase());
            let is_sign = match character {
                '“' | '”' | '«' | '»' => after_latin && before_latin,
                // "Gal·la" has the dot between letters.
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
            // "KŠthe" has a capital where a vowel was.
            if is_latin(character) && character.is_uppercase() && is_capital(before) && is_small(after) {
                return Some(Doubt::CapitalInside);
            }
        }
    }
    None
}

/// Returns true if a word of three letters or more begins with a small letter with an accent, of those that encodings
/// of one byte have, and another word with a capital.
fn has_small_initial(name: &[char]) -> bool {
    let words = || name.split(|c| c.is_whitespace()).filter(|word| word.len() >= 3);
    let is_small = |c: &char| matches!(*c, '\u{E0}'..='\u{17F}') && is_latin(*c) && c.is_lowercase();
    words().any(|word| word.first().is_some_and(is_small))
        && words().any(|word| word.first().is_some_and(|c| c.is_uppercase()))
}

/// Returns true for a word in capitals with a small letter with an accent, as in "GARCêA".
fn has_small_between_capitals(word: &[char]) -> bool {
    word.split(|c| !c.is_alphabetic()).any(|part| {
        // "ß" has no capital of its own.
        let is_small = |c: &char| is_latin(*c) && !c.is_ascii() && c.is_lowercase() && *c != 'ß';
        let capitals = part.iter().filter(|c| c.is_ascii_uppercase()).count();
        capitals >= 2 && part.iter().any(is_small) && !part.iter().any(char::is_ascii_lowercase)
    })
}

fn doubtful(character: char, before: Option<char>, after: Option<char>, is_guessed: bool) -> Option<Doubt> {
    if character.is_ascii() {
        return None;
    }
    let is_small = |c: Option<char>| c.is_some_and(|c| is_latin(c) && c.is_lowercase());
    if is_guessed && is_doubtful_letter(character, before, after) {
        return Some(Doubt::SymbolInside);
    }
    if is_symbol(character) {
        let inside = before.is_some_and(is_latin) || after.is_some_and(is_latin);
        let is_dash = character.general_category() == Category::DashPunctuation;
        // "Jean–Pierre" has a typographic hyphen, "Mu–oz" a lost letter.
        let is_hyphen = is_dash && !is_small(after) && !is_guessed;
        return (inside && !is_hyphen).then_some(Doubt::SymbolInside);
    }
    if is_latin(character) && character.is_uppercase() && is_small(before) {
        // "McÉvoy" goes on in small letters.
        return (is_guessed || !is_small(after)).then_some(Doubt::CapitalInside);
    }
    let is_ordinal = |c: char| matches!(c, 'ª' | 'º');
    // The marks of half-width Katakana are one byte of Shift_JIS each.
    let is_joined = |c: char| is_mark(c) && c < '\u{3000}';
    let is_other = |c: char| c.is_alphabetic() && !is_latin(c) && !is_joined(c) && !is_ordinal(c);
    let meets_latin = before.is_some_and(is_latin) || after.is_some_and(is_latin);
    (is_guessed && is_other(character) && meets_latin).then_some(Doubt::MixedScripts)
}

/// Characters that are right in some names and misread letters in others: an apostrophe or a blank between small
/// letters, and an œ before letters that don't follow it.
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
pub(super) const fn is_latin(character: char) -> bool {
    matches!(character, 'a'..='z' | 'A'..='Z' | '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}')
        && !matches!(character, '×' | '÷')
}

fn is_mark(character: char) -> bool {
    matches!(character.general_category(), Category::NonspacingMark | Category::ModifierLetter)
}

/// Returns true for characters that misread letters become, and that no name has.
fn is_symbol(character: char) -> bool {
    // Apostrophes, the middle dot of Catalan, ordinals as in "Mª", quotation marks around nicknames.
    if matches!(character, '’' | '‘' | '´' | '·' | 'ª' | 'º' | '“' | '”' | '«' | '»') {
        return false;
    }
    let kind = character.general_category();
    character == 'µ'
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
mod tests {
    use super::*;

    #[test]
    fn misread_names_are_doubtful() {
        for (name, found) in [
            ("JosŽ", Doubt::CapitalInside),
            ("Mu–oz", Doubt::SymbolInside),
            ("Ib‡–ez", Doubt::SymbolInside),
            ("JosÃ©", Doubt::ReadTwice),
            ("PeÃ±a GarcÃ\u{AD}a", Doubt::ReadTwice),
            ("Mu¤oz", Doubt::SymbolInside),
            ("Mar¡a", Doubt::SymbolInside),
            ("£ukasz", Doubt::SymbolInside),
            ("JosИ", Doubt::MixedScripts),
            ("\u{5A4}igo", Doubt::MixedScripts),
            ("Jos\u{8E}", Doubt::SymbolInside),
            ("SofÍA", Doubt::CapitalInside),
            ("Mar’a", Doubt::SymbolInside),
            ("Raœl", Doubt::SymbolInside),
            ("Tom\u{A0}s", Doubt::SymbolInside),
            ("µvila", Doubt::SymbolInside),
            ("GARCêA", Doubt::SmallInside),
            ("LîPEZ", Doubt::SmallInside),
            ("GàMEZ", Doubt::SmallInside),
            ("çLVARO", Doubt::SmallInside),
            ("LEîN-MORA", Doubt::SmallInside),
            ("KŠthe", Doubt::CapitalInside),
            ("MŸller", Doubt::CapitalInside),
            ("Mar｛", Doubt::SymbolInside),
            ("Ram〉ez", Doubt::SymbolInside),
            ("Mart》", Doubt::SymbolInside),
            ("M〕ler", Doubt::SymbolInside),
            ("Fran㎜is", Doubt::SymbolInside),
            ("N￥ez", Doubt::SymbolInside),
            ("MUﾞOZ", Doubt::MixedScripts),
            ("Beno”t", Doubt::SymbolInside),
            ("Rapha‘l", Doubt::SymbolInside),
            ("Mart’", Doubt::SymbolInside),
            ("N’ Bhriain", Doubt::SymbolInside),
            ("G‘ll", Doubt::SymbolInside),
            ("M\u{A0}rio", Doubt::SymbolInside),
            ("·ngel", Doubt::SymbolInside),
            ("àscar Mora", Doubt::SmallInitial),
            ("Ana êcaro", Doubt::SmallInitial),
            ("çlvaro Gil", Doubt::SmallInitial),
        ] {
            assert_eq!(doubt(name, true), Some(found), "{name}");
        }
    }

    #[test]
    fn real_names_are_not() {
        for name in [
            "José Muñoz Ibáñez",
            "d’Artagnan Rey",
            "Gal·la Pérez",
            "Mª José Ñíguez",
            "O´Donnell",
            "JOSÉ MUÑOZ",
            "Ẹniọlá ẹ̀gbẹ́",
            "Nguyễn Thị Hoàng",
            "Иванов Иван",
            "山田 太郎",
            "محمد علی",
            "Łukasz Źrebiec",
            "José “Pepe” Gómez",
            "Yetunde Adébáyọ̀",
            "Ana",
            "Şule Öztürk",
            "शर्मा",
            "Ðorđe",
            "İbrahim",
            "McDonald",
            "DiCaprio",
            "O’Neil",
            "D’ANGELO",
            "ÁLVARO",
            "Łukasz",
            "IJsbrand",
            "Åsa",
            "Đặng",
            "GROßMANN",
            "山田（Ana）",
            "José ‘Pepe’ Gil",
            "ЩУКИНА Юлия",
        ] {
            assert_eq!((doubt(name, true), doubt(name, false)), (None, None), "{name}");
        }
        for name in ["Jean–Pierre Élie", "Ana McÉvoy", "LeÓnidas"] {
            assert_eq!(doubt(name, false), None, "{name}");
            assert!(doubt(name, true).is_some(), "{name}");
        }
        for name in ["JosŽ Mora", "Mu–oz", "Mu¤oz", "JosÃ©", "\u{5A4}igo Prado"] {
            assert!(doubt(name, false).is_some(), "{name}");
        }
    }
}
