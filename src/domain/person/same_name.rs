//! Comparison of two names that may belong to one person.

use unicode_normalization::UnicodeNormalization as _;

/// A name for comparison: lower case, one space between words, and without the accents of Latin, Greek and
/// Cyrillic letters. Vowel signs of other scripts stay, because they tell names apart.
#[must_use]
pub fn folded_name(name: &str) -> String {
    let letters = name.nfkd().filter(|character| !matches!(character, '\u{300}'..='\u{36F}'));
    let lower: String = letters.flat_map(char::to_lowercase).collect();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns true if two names are the same apart from case, accents and spaces.
#[must_use]
pub fn is_same_name(one: &str, other: &str) -> bool {
    folded_name(one) == folded_name(other)
}

/// Returns true if every word of the shorter name is in the longer one, as a word or as its initial: "Ana R."
/// and "Ana Rojas Peña" are alike, "Ana Rojas" and "Bruno Rojas" are not.
#[must_use]
pub fn is_like_name(one: &str, other: &str) -> bool {
    let (one, other) = (folded_name(one), folded_name(other));
    let (mut shorter, mut longer) = (words(&one), words(&other));
    if shorter.len() > longer.len() {
        std::mem::swap(&mut shorter, &mut longer);
    }
    let mut whole = 0;
    for word in &shorter {
        let same = longer.iter().position(|known| known == word);
        let found = same.or_else(|| longer.iter().position(|known| is_initial(word, known)));
        let Some(found) = found else { return false };
        whole += usize::from(same.is_some());
        longer.swap_remove(found);
    }
    whole > 0
}

fn words(name: &str) -> Vec<&str> {
    name.split(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | '-'))
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
    fn case_accents_and_spaces_make_no_other_name() {
        for (one, other) in
            [("JOSE MUÑOZ", "José  Muñoz"), ("Ana Rojas", "ana rojas"), ("Ångström", "angstrom")]
        {
            assert!(is_same_name(one, other), "{one} {other}");
        }
        for (one, other) in [("Ana Rojas", "Ana Rojas Peña"), ("किरण", "करण"), ("Ana", "Anna")]
        {
            assert!(!is_same_name(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_name_with_fewer_words_or_initials_is_alike() {
        for (one, other) in [
            ("Ana Rojas", "Ana Rojas Peña"),
            ("Ana R.", "ANA ROJAS"),
            ("Rojas Peña, Ana", "Ana Rojas Peña"),
            ("Ana", "Ana Rojas"),
        ] {
            assert!(is_like_name(one, other) && is_like_name(other, one), "{one} {other}");
        }
        for (one, other) in
            [("Ana Rojas", "Bruno Rojas"), ("A. R.", "Ana Rojas"), ("Ana Rojas", "Ana Mora"), ("", "Ana")]
        {
            assert!(!is_like_name(one, other) && !is_like_name(other, one), "{one} {other}");
        }
    }
}
