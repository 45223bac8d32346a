//! Detection of Cyrillic words in MacCyrillic or a DOS code page that were decoded as Windows-1251
//! or another code page.

/// Letters of Serbian and Macedonian. In Windows-1251 they have the bytes that are Russian capitals
/// in MacCyrillic.
const SOUTHERN: &str = "ђѓљњќћџ";
/// Letters that Serbian and Macedonian names don't contain.
const NORTHERN: &str = "йьюяыэъёщ";
const VOWELS: &str = "аеёиоуыэюяіїєў";
/// Endings that surnames with a southern initial rarely have.
const ENDS: [&str; 9] = [
    "ов", "ев", "ин", "ова", "ева", "ина", "ский", "ская", "енко",
];

/// Macedonian surnames that nevertheless have such an ending. They are accepted even alone in a
/// cell.
const MACEDONIAN: [&str; 8] = [
    "ќосев",
    "ќосева",
    "ќулавков",
    "ќулавкова",
    "ѓурчинов",
    "ѓурчинова",
    "ѓузелев",
    "ѓузелева",
];

/// Returns true if a word of the name can't be correct.
pub(super) fn is_misread(name: &[char]) -> bool {
    let has = |letters: &str| name.iter().any(|&c| letters.contains(small(c)));
    if !name.iter().any(|&c| is_cyrillic(c)) {
        return false;
    }
    if has(SOUTHERN) && has(NORTHERN) {
        return true;
    }
    let has_capital = name.iter().any(|c| c.is_uppercase());
    let is_southern = is_certainly_southern(name);
    name.split(|c| c.is_whitespace() || *c == '-')
        .any(|word| is_odd(word, has_capital, is_southern))
}

/// Returns true for a name with a lower-case southern letter between lower-case letters, as in
/// "Ѓорѓиев", or with a word that begins with a capital that does not result from misread
/// MacCyrillic, as in "Томе Ќосев".
fn is_certainly_southern(name: &[char]) -> bool {
    let is_small = |c: char| is_cyrillic(c) && c.is_lowercase();
    let is_inside = |three: &[char]| {
        let [before, letter, after] = three else {
            return false;
        };
        [*before, *letter, *after].into_iter().all(is_small) && SOUTHERN.contains(*letter)
    };
    // The bytes of "Э", "Ю" and "Я" are lower-case letters in MacCyrillic.
    let is_initial = |word: &[char]| matches!(word, [first, second, ..] if matches!(first, 'А'..='Ь' | 'Ј') && is_small(*second));
    name.windows(3).any(is_inside) || name.split(|c| c.is_whitespace()).any(is_initial)
}

fn is_odd(word: &[char], has_capital: bool, is_southern: bool) -> bool {
    let letters: String = word.iter().map(|&c| small(c)).collect();
    let first = word.first().copied();
    let second = word.get(1).copied();
    let is_small = |c: Option<char>| c.is_some_and(|c| is_cyrillic(c) && c.is_lowercase());
    // The bytes that are "С", "Т", "У" and "Ф" in MacCyrillic are quotation marks in Windows-1251.
    if matches!(first, Some('‘' | '’' | '“' | '”')) && is_small(second) {
        return true;
    }
    if word.len() < 3 || !word.iter().all(|&c| is_cyrillic(c)) {
        return false;
    }
    let has_vowel = letters.contains(|c| VOWELS.contains(c) || c == 'р');
    let begins_southern = first.is_some_and(|c| SOUTHERN.contains(small(c)));
    let is_followed_by_vowel = second.is_some_and(|c| VOWELS.contains(small(c)));
    let is_known = is_southern || MACEDONIAN.contains(&letters.as_str());
    let ends = !is_known && word.len() >= 5 && ENDS.iter().any(|end| letters.ends_with(end));
    !has_vowel
        || begins_southern && (!is_followed_by_vowel || ends || has_capital && is_small(first))
}

fn small(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

const fn is_cyrillic(character: char) -> bool {
    matches!(character, '\u{400}'..='\u{481}' | '\u{48A}'..='\u{52F}')
}

#[cfg(test)]
mod tests {
    use super::is_misread;

    fn is_odd(name: &str) -> bool {
        is_misread(&name.chars().collect::<Vec<_>>())
    }

    #[test]
    fn words_decoded_with_another_code_page_are_detected() {
        let names = "Ђнна Смирнова, Ђлексей, ЉовалЮва, Љузнецов, Њаксим Љузнецов, ђоман Ильин, ‘ергей, ’атьяна, “льяна, \
            ”едор, Џётр, Ќиколай, АБШДН ЛДП, Ћльга, ѓригорий Левин, \
            Ќиколаев, Ѓорисов, Ѓорисова, Ќосов";
        for name in names.split(", ") {
            assert!(is_odd(name), "{name}");
        }
    }

    #[test]
    fn real_cyrillic_names_are_not_reported_as_misread() {
        let names = "Ђорђе Јовановић, Љубица Његош, Љиљана, Џемал, Ћирић, Ѓорѓи Ќосески, Ђурђица, Срђан Крстић, Трн, \
            Иванов Иван, Щукина Юлия, Юлія Гнатюк, Ґеорґій Їжак, Пётр Ёлкин, ЩУКИНА ЮЛИЯ, Њ. Петровић, Јован „Јоца“ Петровић, \
            Томе Ќосев, Ќосев Томе, Ќосев, Ѓорѓиев, Ѓорѓи Ќосев, Ѓорѓиева Ана, Катица Ќулавкова, Ѓурчинова Вера, \
            Пламен Йорданов, Цветан, Ким, Ян Вс, Салтыков-Щедрин, ђорђе, José, Ana, Тугсбаяр, Ўктам, Қасым";
        for name in names.split(", ") {
            assert!(!is_odd(name), "{name}");
        }
    }
}
