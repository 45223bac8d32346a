//! Cursors of lists: where the next page begins, sealed.
//!
//! A cursor may hold a person's name, and it stands in addresses: so it is encrypted, and only the list
//! that it was given for opens it. Nothing is stored.

use super::sealed::Seal;
use super::{ApiError, HttpState};
use crate::domain::keyed_hash::Purpose;
use crate::projection::queries::listing::Last;

/// Seals where the next page of a list begins. `list` tells the list from others: noun, order, filters.
///
/// # Errors
/// None that a key of this length can have.
pub fn seal(http: &HttpState, list: &str, last: &Last) -> Result<String, ApiError> {
    let sealed = sealed(&key(http), http.random, list, last);
    sealed.ok_or_else(|| ApiError::internal("a cursor could not be sealed"))
}

fn sealed(key: &Seal, random: fn(&mut [u8]), list: &str, last: &Last) -> Option<String> {
    let text = last.text.as_deref().unwrap_or_default();
    key.close(random, list.as_bytes(), &[&last.number.to_be_bytes(), text.as_bytes()].concat())
}

/// Opens a cursor that was given for this very list.
///
/// # Errors
/// 400 for any other.
pub fn open(http: &HttpState, list: &str, cursor: &str) -> Result<Last, ApiError> {
    opened(&key(http), list, cursor).ok_or_else(|| {
        let problem = "give meta.nextCursor of the page before, with the same filters, sort and order; \
                       to change these, begin without a cursor";
        ApiError::field("cursor", problem)
    })
}

fn opened(key: &Seal, list: &str, cursor: &str) -> Option<Last> {
    let plain = key.open(list.as_bytes(), cursor)?;
    let (number, text) = plain.split_first_chunk::<8>()?;
    let text = String::from_utf8(text.to_vec()).ok()?;
    // Whether there is a text is a matter of the list's order, which was compared.
    Some(Last { text: Some(text), number: i64::from_be_bytes(*number) })
}

fn key(http: &HttpState) -> Seal {
    Seal::of(Purpose::ListCursor, &http.claim_key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Secret;

    #[test]
    fn a_cursor_opens_for_its_own_list_only() {
        let key = Seal::of(Purpose::ListCursor, &Secret::new("one"));
        let last = Last { text: Some("maria jose".to_owned()), number: 42 };
        let cursor = sealed(&key, |bytes| bytes.fill(7), "people by name", &last).unwrap();
        assert!(!cursor.contains("maria"));
        assert_eq!(opened(&key, "people by name", &cursor), Some(last));
        assert_eq!(opened(&key, "people by address", &cursor), None);
    }
}
