//! Comparison of two names that may belong to one person.

use unicode_normalization::UnicodeNormalization as _;

/// Returns a name in the form for comparison: in lower case, with one space between words, and
/// without the accents of Latin, Greek and Cyrillic letters. Vowel signs of other scripts are kept,
/// because names may differ only in them.
#[must_use]
pub fn folded_name(name: &str) -> String {
    let letters = name
        .nfkd()
        .filter(|character| !matches!(character, '\u{300}'..='\u{36F}'));
    let lower: String = letters.flat_map(char::to_lowercase).collect();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns true if two names differ at most in case, accents and spaces.
#[must_use]
pub fn is_same_name(one: &str, other: &str) -> bool {
    folded_name(one) == folded_name(other)
}

/// Returns true if every word of the shorter name occurs in the longer one, as a word or an
/// initial, and at least one as a word. "Ana R." and "Ana Rojas Peña" are alike; "Ana Rojas" and
/// "Bruno Rojas" are not.
#[must_use]
pub fn is_like_name(one: &str, other: &str) -> bool {
    let one = comparable(one);
    let other = comparable(other);
    let mut shorter = words(&one);
    let mut longer = words(&other);
    if shorter.len() > longer.len() {
        std::mem::swap(&mut shorter, &mut longer);
    }
    // Whole words are matched first. Otherwise an initial could use up a word that another word
    // needs.
    let words = shorter.len();
    shorter.retain(|word| match longer.iter().position(|known| known == word) {
        Some(same) => {
            longer.swap_remove(same);
            false
        }
        None => true,
    });
    let initials_fit =
        shorter.iter().all(
            |word| match longer.iter().position(|known| is_initial(word, known)) {
                Some(initial) => {
                    longer.swap_remove(initial);
                    true
                }
                None => false,
            },
        );
    initials_fit && shorter.len() < words
}

/// Returns true if two names are not [alike](is_like_name) and also differ without spaces and
/// hyphens.
#[must_use]
pub fn is_quite_different(one: &str, other: &str) -> bool {
    let joined = |name: &str| words(&comparable(name)).concat();
    !is_like_name(one, other) && joined(one) != joined(other)
}

/// Returns a folded name without apostrophes and with letters such as "ł" and "ø" replaced by plain
/// letters.
fn comparable(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for letter in folded_name(name).chars() {
        match letter {
            '\'' | '’' | '‘' | '´' | '`' | 'ʼ' => {}
            'ł' => plain.push('l'),
            'ø' => plain.push('o'),
            'đ' | 'ð' => plain.push('d'),
            'ħ' => plain.push('h'),
            'ı' => plain.push('i'),
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            other => plain.push(other),
        }
    }
    plain
}

fn words(name: &str) -> Vec<&str> {
    name.split(|c: char| {
        c.is_whitespace() || matches!(c, '.' | ',' | '-' | '\u{2010}' | '\u{2011}')
    })
    .filter(|w| !w.is_empty())
    .collect()
}

fn is_initial(one: &str, other: &str) -> bool {
    let initial = |short: &str, long: &str| short.chars().count() == 1 && long.starts_with(short);
    initial(one, other) || initial(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_regardless_of_case_accents_and_spaces() {
        for (one, other) in [
            ("JOSE MUÑOZ", "José  Muñoz"),
            ("Ana Rojas", "ana rojas"),
            ("Ångström", "angstrom"),
        ] {
            assert!(is_same_name(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("Ana Rojas", "Ana Rojas Peña"),
            ("किरण", "करण"),
            ("Ana", "Anna"),
        ] {
            assert!(!is_same_name(one, other), "{one} {other}");
        }
    }

    #[test]
    fn name_with_fewer_words_or_initials_is_similar() {
        for (one, other) in [
            ("Ana Rojas", "Ana Rojas Peña"),
            ("Ana R.", "ANA ROJAS"),
            ("Rojas Peña, Ana", "Ana Rojas Peña"),
            ("Ana", "Ana Rojas"),
            ("Łukasz Groß", "Lukasz Gross"),
            ("Siobhán O’Neil", "Siobhan O'Neil"),
            ("José Juan Pérez", "J. José Pérez"),
        ] {
            assert!(
                is_like_name(one, other) && is_like_name(other, one),
                "{one} {other}"
            );
        }
        for (one, other) in [
            ("Ana Rojas", "Bruno Rojas"),
            ("A. R.", "Ana Rojas"),
            ("Ana Rojas", "Ana Mora"),
            ("", "Ana"),
        ] {
            assert!(
                !is_like_name(one, other) && !is_like_name(other, one),
                "{one} {other}"
            );
        }
    }

    #[test]
    fn names_are_different_if_each_has_a_word_that_the_other_lacks() {
        for (one, other) in [
            ("Pedro", "Lucía"),
            ("Pedro Rojas", "Lucía Rojas"),
            ("Ana de la Cruz", "Luis de la Torre"),
            ("Ana María Rojas", "Ana Rojas Peña"),
            ("山田 太郎", "佐藤 花子"),
            ("Иван Петров", "Пётр Иванов"),
        ] {
            assert!(
                is_quite_different(one, other) && is_quite_different(other, one),
                "{one} {other}"
            );
        }
        for (one, other) in [
            ("Rojas Peña, Ana", "ANA ROJAS"),
            ("山田 太郎", "山田太郎"),
            ("Jean-Paul Roux", "Jeanpaul Roux"),
            ("de la Cruz Ana", "Ana De La Cruz"),
            ("Đặng Thị Hoa", "Dang Thi Hoa"),
            ("J. Mora", "Juan Mora"),
            ("Иванов Пётр", "Петр Иванов"),
        ] {
            assert!(
                !is_quite_different(one, other) && !is_quite_different(other, one),
                "{one} {other}"
            );
        }
    }
}
