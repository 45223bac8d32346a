//! Signing keys of access tokens. The first key signs; all keys verify. So an operator can replace
//! the first key while tokens of the old one are still valid.

use std::fmt;

use crate::domain::Secret;

/// Length of the shortest allowed key, in bytes. It is the length of the hash (RFC 7518 §3.2).
const MIN_KEY_BYTES: usize = 32;
/// Largest number of keys.
const MAX_KEYS: usize = 16;
/// Id of the key that the configuration gives without an id.
const WITHOUT_ID: &str = "default";

/// Signing key with its id, which is the `kid` of its tokens.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// Id of 1–64 letters, digits, `-`, `_` or `.`.
    pub id: String,
    /// Key of at least 32 bytes.
    pub key: Secret,
}

/// Reason why keys can't be used. The text does not contain a key.
#[derive(Debug, PartialEq, Eq)]
pub enum BadKeys {
    /// There is no key.
    None,
    /// There are too many keys.
    TooMany,
    /// An entry is not of the form `ID:KEY`. The number is its place in the list, from 1.
    Form(usize),
    /// Two keys have the same id, given here.
    Twice(String),
    /// The key with this id is too short.
    Short(String),
}

impl fmt::Display for BadKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("give at least 32 random characters"),
            Self::TooMany => write!(
                f,
                "give at most {MAX_KEYS} keys; old keys are needed only for minutes"
            ),
            Self::Form(n) => write!(
                f,
                "entry {n} is not ID:KEY; ids are 1 to 64 of a-z A-Z 0-9 - _ ."
            ),
            Self::Twice(id) => write!(
                f,
                "the id {id} is given twice; \"{WITHOUT_ID}\" is the id of secrets.token_key"
            ),
            Self::Short(id) => {
                write!(
                    f,
                    "the key {id} has fewer than {MIN_KEY_BYTES} bytes; give random ones"
                )
            }
        }
    }
}

impl std::error::Error for BadKeys {}

impl SigningKey {
    /// Parses a list such as `2026-11:KEY, 2026-05:KEY`, separated by commas or line breaks.
    /// Appends `without_id`, unless it is empty.
    ///
    /// # Errors
    /// There is no key, or one of the keys can't be used.
    pub fn list(with_ids: &Secret, without_id: &Secret) -> Result<Vec<Self>, BadKeys> {
        let entries = with_ids
            .reveal()
            .split([',', '\n'])
            .map(str::trim)
            .filter(|entry| !entry.is_empty());
        let mut keys = Vec::new();
        for (n, entry) in entries.enumerate() {
            let (id, key) = entry.split_once(':').ok_or(BadKeys::Form(n + 1))?;
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
                return Err(BadKeys::Form(n + 1));
            }
            keys.push(Self {
                id: id.to_owned(),
                key: Secret::new(key.trim()),
            });
        }
        if !without_id.is_empty() {
            keys.push(Self {
                id: WITHOUT_ID.to_owned(),
                key: without_id.clone(),
            });
        }
        Self::check(&keys)?;
        Ok(keys)
    }

    fn check(keys: &[Self]) -> Result<(), BadKeys> {
        if keys.is_empty() {
            return Err(BadKeys::None);
        }
        if keys.len() > MAX_KEYS {
            return Err(BadKeys::TooMany);
        }
        for (n, key) in keys.iter().enumerate() {
            if keys[..n].iter().any(|other| other.id == key.id) {
                return Err(BadKeys::Twice(key.id.clone()));
            }
            if key.key.reveal().len() < MIN_KEY_BYTES {
                return Err(BadKeys::Short(key.id.clone()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "0123456789abcdef0123456789abcdef";

    fn ids(with_ids: &str, without_id: &str) -> Result<Vec<String>, BadKeys> {
        let keys = SigningKey::list(&Secret::new(with_ids), &Secret::new(without_id))?;
        Ok(keys.into_iter().map(|key| key.id).collect())
    }

    #[test]
    fn keys_keep_their_order_and_the_key_without_an_id_is_last() {
        let two = format!("b:{LONG}1, a.1:{LONG}2\n");
        assert_eq!(
            ids(&two, LONG),
            Ok(vec!["b".to_owned(), "a.1".to_owned(), "default".to_owned()])
        );
        assert_eq!(ids("", LONG), Ok(vec!["default".to_owned()]));
        assert_eq!(ids(&two, "").map(|ids| ids.len()), Ok(2));
    }

    #[test]
    fn invalid_keys_are_refused_and_not_shown_in_the_error() {
        for (with_ids, without_id, wrong) in [
            (String::new(), "", BadKeys::None),
            (LONG.to_owned(), "", BadKeys::Form(1)),
            (format!("a:{LONG}, x y:{LONG}"), "", BadKeys::Form(2)),
            (
                format!("a:{LONG}, a:{LONG}"),
                "",
                BadKeys::Twice("a".to_owned()),
            ),
            ("a:hunter2".to_owned(), LONG, BadKeys::Short("a".to_owned())),
            (
                String::new(),
                "hunter2",
                BadKeys::Short("default".to_owned()),
            ),
            (
                (0..17).map(|n| format!("k{n}:{LONG},")).collect(),
                "",
                BadKeys::TooMany,
            ),
        ] {
            let refused = ids(&with_ids, without_id).unwrap_err();
            assert!(
                !refused.to_string().contains("hunter2") && !refused.to_string().contains(LONG)
            );
            assert_eq!(refused, wrong);
        }
    }
}
