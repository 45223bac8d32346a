//! Meaning of one header, seen alone.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use super::vocabulary::{EXPLAINING, FILLERS, NAME_WORDS, OTHER_NAMES, OWN_FIELDS, PHRASES};
use super::{Meaning, is_known_pair};

/// Longest header that is looked at, in bytes.
const MAX_BYTES: usize = 200;

static BY_KEY: LazyLock<HashMap<String, Meaning>> = LazyLock::new(|| {
    let mut meanings = HashMap::new();
    for (meaning, phrases) in PHRASES {
        for phrase in phrases.split(", ") {
            meanings.entry(key(phrase)).or_insert(*meaning);
            meanings.entry(short_key(phrase)).or_insert(*meaning);
        }
    }
    meanings
});

/// Sets of words for looking up.
struct Words {
    fillers: HashSet<&'static str>,
    explaining: HashSet<&'static str>,
    names: HashSet<&'static str>,
    others: HashSet<&'static str>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let set = |words: &'static str| words.split_whitespace().collect();
    Words {
        fillers: set(FILLERS),
        explaining: set(EXPLAINING),
        names: set(NAME_WORDS),
        others: set(OTHER_NAMES),
    }
});

/// The header's letters and digits in lower case without accents. Case, accents, spaces, underscores, hyphens
/// and punctuation don't count.
pub(in crate::sheet) fn key(header: &str) -> String {
    folded(header).chars().filter(|character| character.is_alphanumeric()).collect()
}

fn folded(header: &str) -> String {
    let lower = header.to_lowercase();
    let letters = lower.nfkd().filter(|&character| !is_combining_mark(character));
    letters.flat_map(char::to_lowercase).collect()
}

/// The words of a header, folded. An upper-case letter after a lower-case one begins a word.
fn words(header: &str) -> Vec<String> {
    let mut apart = String::with_capacity(header.len());
    let mut before = ' ';
    for character in header.chars() {
        if before.is_lowercase() && character.is_uppercase() {
            apart.push(' ');
        }
        apart.push(character);
        before = character;
    }
    // "Nombre(s)" is one word.
    let apart = apart.replace("(s)", "s").replace("(S)", "S").replace("(es)", "es").replace("'s", "s");
    let is_inside = |character: char| character.is_alphanumeric();
    folded(&apart).split(|c| !is_inside(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The header without explanations, numbering and [`FILLERS`].
fn short_key(header: &str) -> String {
    let words = words(header);
    let asked = words.iter().skip_while(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    let plain = asked
        .enumerate()
        .take_while(|(index, word)| *index == 0 || !WORDS.explaining.contains(word.as_str()));
    plain.map(|(_, word)| word.as_str()).filter(|word| !WORDS.fillers.contains(word)).collect()
}

/// The header up to a remark in brackets.
fn without_remark(header: &str) -> &str {
    let header = header.trim_start();
    let end = header.char_indices().skip(1).find(|(_, character)| matches!(character, '(' | '[' | '{'));
    let kept = end.map_or(header, |(position, _)| &header[..position]);
    let is_plural = header[kept.len()..].to_lowercase().starts_with("(s)");
    if is_plural { header } else { kept }
}

/// Returns what one header means, or `None` for an unknown one.
pub(in crate::sheet) fn recognise(header: &str) -> Option<Meaning> {
    if header.len() > MAX_BYTES {
        return None;
    }
    let known = |key: &str| BY_KEY.get(key).copied().or_else(|| is_known_pair(key));
    let found = known(&key(header)).or_else(|| known(&short_key(header)));
    found.or_else(|| {
        let plain = without_remark(header);
        (plain.len() < header.len())
            .then(|| known(&key(plain)).or_else(|| known(&short_key(plain))))
            .flatten()
    })
}

/// Returns true for an unknown header that may be a part of the person's name.
pub(in crate::sheet) fn may_be_name(header: &str) -> bool {
    if header.len() > MAX_BYTES || OWN_FIELDS.split(' ').any(|own| own == key(header)) {
        return false;
    }
    let words = words(header);
    let is_of = |list: &HashSet<&str>| words.iter().any(|word| list.contains(word.as_str()));
    is_of(&WORDS.names) && !is_of(&WORDS.others)
}
