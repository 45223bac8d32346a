//! Lower-case letters before a capital that occur in correct names: "Mc", "De", and the Irish
//! mutations, as in "hÓGÁIN".

use super::is_latin;

/// Prefixes that can precede a surname with a capital.
const PREFIXES: [&str; 11] = [
    "Mc", "Mac", "De", "Di", "Du", "Da", "La", "Le", "Van", "Von", "Fitz",
];
/// Letters that Irish adds before the first letter of a word (mutations).
const MUTATIONS: [&str; 7] = ["h", "n", "t", "g", "b", "d", "m"];
/// Accented capitals of Irish. They are not misread lower-case letters: in each common encoding,
/// their bytes are not lower-case letters of another encoding.
const IRISH: &str = "ÁÉÍÓÚ";

/// Returns true if the capital with an accent at `index` follows such a prefix at the beginning of
/// its word. If the encoding is guessed, the rest of the word must be in capitals, or the capital
/// and the prefix must be Irish.
pub(super) fn is_after_prefix(name: &[char], index: usize, is_guessed: bool) -> bool {
    let (before, rest) = name.split_at(index);
    let is_letter = |c: &&char| c.is_alphabetic();
    let mut prefix: Vec<char> = before.iter().rev().take_while(is_letter).copied().collect();
    prefix.reverse();
    let prefix = prefix.into_iter().collect::<String>();
    let rest: Vec<char> = rest.iter().take_while(is_letter).copied().collect();
    let is_mutation = MUTATIONS.contains(&prefix.as_str());
    if rest.len() < 3 || !rest.iter().all(|c| is_latin(*c)) {
        return false;
    }
    let is_known = is_mutation || PREFIXES.contains(&prefix.as_str());
    let is_irish = is_mutation || matches!(prefix.as_str(), "Mc" | "Mac" | "Fitz");
    let begins_irish = rest.first().is_some_and(|first| IRISH.contains(*first));
    let are_capitals = rest.iter().all(|c| c.is_uppercase());
    let are_small = rest.iter().skip(1).all(|c| c.is_lowercase());
    is_known && are_capitals || is_irish && are_small && (begins_irish || !is_guessed)
}
