//! Meaning of one header, without the other headers.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use super::vocabulary::{EXPLAINING, FILLERS, PHRASES};
use super::{Meaning, combined, is_known_pair};

/// Maximum number of bytes of a header that are examined. Questions of forms are long.
const MAX_BYTES: usize = 1_000;

static BY_KEY: LazyLock<HashMap<String, Meaning>> = LazyLock::new(|| {
    let mut meanings = HashMap::new();
    for (meaning, phrases) in PHRASES {
        for phrase in phrases.split(", ") {
            meanings.entry(key(phrase)).or_insert(*meaning);
            let short = short_key(phrase);
            if !short.is_empty() {
                meanings.entry(short).or_insert(*meaning);
            }
        }
    }
    meanings
});

/// Word lists as sets.
struct Words {
    fillers: HashSet<&'static str>,
    explaining: HashSet<&'static str>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let set = |words: &'static str| words.split_whitespace().collect();
    Words {
        fillers: set(FILLERS),
        explaining: set(EXPLAINING),
    }
});

/// Returns the letters and digits of a header in lower case without accents, for comparison.
pub(in crate::spreadsheet) fn key(header: &str) -> String {
    folded(header)
        .chars()
        .filter(|character| character.is_alphanumeric())
        .collect()
}

fn folded(header: &str) -> String {
    let lower = header.to_lowercase();
    let letters = lower
        .nfkd()
        .filter(|&character| !is_combining_mark(character));
    letters.flat_map(char::to_lowercase).collect()
}

/// Returns the words of a header in lower case without accents. An upper-case letter after a
/// lower-case one begins a word.
pub(super) fn words(header: &str) -> Vec<String> {
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
    let apart = apart
        .replace("(s)", "s")
        .replace("(S)", "S")
        .replace("(es)", "es")
        .replace("'s", "s");
    let is_inside = |character: char| character.is_alphanumeric();
    folded(&apart)
        .split(|c| !is_inside(c))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Returns the key of a header without explanations, numbering and [`FILLERS`].
fn short_key(header: &str) -> String {
    let words = words(header);
    let asked = words
        .iter()
        .skip_while(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    let plain = asked
        .enumerate()
        .take_while(|(index, word)| *index == 0 || !WORDS.explaining.contains(word.as_str()));
    plain
        .map(|(_, word)| word.as_str())
        .filter(|word| !WORDS.fillers.contains(word))
        .collect()
}

/// Splits a header into the text before a remark in brackets, and the remark.
fn without_remark(header: &str) -> (&str, &str) {
    let header = header.trim_start();
    let end = header
        .char_indices()
        .skip(1)
        .find(|(_, character)| matches!(character, '(' | '[' | '{'));
    let (kept, remark) = header.split_at(end.map_or(header.len(), |(position, _)| position));
    if remark.to_lowercase().starts_with("(s)") {
        (header, "")
    } else {
        (kept, remark)
    }
}

/// Returns the part of a header that is examined: the first [`MAX_BYTES`] bytes.
pub(super) fn head_of(header: &str) -> &str {
    &header[..header.floor_char_boundary(MAX_BYTES)]
}

/// Returns the meaning of a header as written, or else without [`FILLERS`].
pub(super) fn known(header: &str) -> Option<Meaning> {
    let of_key = |key: &str| BY_KEY.get(key).copied().or_else(|| is_known_pair(key));
    of_key(&key(header)).or_else(|| of_key(&short_key(header)))
}

/// Returns the meaning of a header as written, or else without a remark in brackets.
pub(super) fn known_without_remark(header: &str) -> Option<Meaning> {
    known(header).or_else(|| {
        let (plain, remark) = without_remark(header);
        let meaning = if remark.is_empty() {
            None
        } else {
            known(plain)
        };
        match meaning {
            Some(Meaning::PlainName) => combined::of_remark(remark).unwrap_or(meaning),
            other => other,
        }
    })
}

/// Returns the meaning of one header, or `None` if it is unknown.
pub(in crate::spreadsheet) fn recognise(header: &str) -> Option<Meaning> {
    let header = head_of(header);
    let found = known_without_remark(header).or_else(|| combined::of_parts(header));
    found.or_else(|| combined::of_certificate(header))
}
