//! Encrypted cursors of lists. A cursor marks the start of the next page.
//!
//! A cursor may contain a person's name and is part of URLs, so it is encrypted. It can be
//! decrypted only for the list that it was created for. The server stores no cursors.

use crate::domain::kernel::keyed_hash::Purpose;
use crate::http::auth::sealed::Seal;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::listing::Last;

/// Encrypts a cursor for the page after `last`. `list` identifies the list by noun, order and
/// filters.
///
/// # Errors
/// 500 if encryption fails, which does not happen with a key of this length.
pub fn seal(http: &HttpState, list: &str, last: &Last) -> Result<String, ApiError> {
    let sealed = sealed(&key(http), http.random, list, last);
    sealed.ok_or_else(|| ApiError::internal("a cursor could not be encrypted"))
}

fn sealed(key: &Seal, random: fn(&mut [u8]), list: &str, last: &Last) -> Option<String> {
    let text = last.text.as_deref().unwrap_or_default();
    key.close(
        random,
        list.as_bytes(),
        &[&last.number.to_be_bytes(), text.as_bytes()].concat(),
    )
}

/// Decrypts a cursor that was created for the same `list`.
///
/// # Errors
/// 422 if the cursor is invalid or belongs to another list.
pub fn open(http: &HttpState, list: &str, cursor: &str) -> Result<Last, ApiError> {
    opened(&key(http), list, cursor).ok_or_else(|| {
        let problem = "is invalid or belongs to another list; send nextCursor of the previous answer with otherwise \
                       unchanged parameters, or begin without a cursor";
        ApiError::field("cursor", problem)
    })
}

fn opened(key: &Seal, list: &str, cursor: &str) -> Option<Last> {
    let plain = key.open(list.as_bytes(), cursor)?;
    let (number, text) = plain.split_first_chunk::<8>()?;
    let text = String::from_utf8(text.to_vec()).ok()?;
    // An order by position ignores the text. The order is part of `list`, so it is the same as for
    // `seal`.
    Some(Last {
        text: Some(text),
        number: i64::from_be_bytes(*number),
    })
}

fn key(http: &HttpState) -> Seal {
    Seal::of(Purpose::ListCursor, &http.claim_key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Secret;

    #[test]
    fn cursor_is_valid_only_for_its_own_list() {
        let key = Seal::of(Purpose::ListCursor, &Secret::new("one"));
        let last = Last {
            text: Some("maria jose".to_owned()),
            number: 42,
        };
        let cursor = sealed(&key, |bytes| bytes.fill(7), "people by name", &last).unwrap();
        assert!(!cursor.contains("maria"));
        assert_eq!(opened(&key, "people by name", &cursor), Some(last));
        assert_eq!(opened(&key, "people by address", &cursor), None);
    }
}
