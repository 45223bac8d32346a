//! Cursors of lists: where the next page begins, sealed.
//!
//! A cursor may hold a person's name, and it stands in addresses: so it is encrypted (ChaCha20-Poly1305,
//! RFC 8439), and only the list that it was given for opens it. Every process of an installation has the
//! same key; nothing is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

use super::{ApiError, HttpState};
use crate::projection::queries::listing::Last;

/// What the key is made for; it is derived from the key of claims, which all processes have.
const PURPOSE: &[u8] = b"laureate list cursors 1";

/// Seals where the next page of a list begins. `list` tells the list from others: noun, order, filters.
///
/// # Errors
/// None that a key of this length can have.
pub fn seal(http: &HttpState, list: &str, last: &Last) -> Result<String, ApiError> {
    let mut nonce = [0; NONCE_LEN];
    (http.random)(&mut nonce);
    let sealed = seal_with(&key(http)?, nonce, list, last);
    sealed.ok_or_else(|| ApiError::internal("a cursor could not be sealed"))
}

fn seal_with(key: &LessSafeKey, nonce: [u8; NONCE_LEN], list: &str, last: &Last) -> Option<String> {
    let mut sealed = last.number.to_be_bytes().to_vec();
    sealed.extend_from_slice(last.text.as_deref().unwrap_or_default().as_bytes());
    let (unique, aad) = (Nonce::assume_unique_for_key(nonce), Aad::from(list.as_bytes()));
    key.seal_in_place_append_tag(unique, aad, &mut sealed).ok()?;
    Some(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
}

/// Opens a cursor that was given for this very list.
///
/// # Errors
/// 400 for any other.
pub fn open(http: &HttpState, list: &str, cursor: &str) -> Result<Last, ApiError> {
    let key = key(http)?;
    opened(&key, list, cursor).ok_or_else(|| {
        let problem = "give meta.nextCursor of the page before, with the same filters, sort and order; \
                       to change these, begin without a cursor";
        ApiError::field("cursor", problem)
    })
}

fn opened(key: &LessSafeKey, list: &str, cursor: &str) -> Option<Last> {
    let mut bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let plain = key.open_in_place(nonce, Aad::from(list.as_bytes()), sealed).ok()?;
    let (number, text) = plain.split_first_chunk::<8>()?;
    let text = String::from_utf8(text.to_vec()).ok()?;
    // Whether there is a text is a matter of the list's order, which was compared.
    Some(Last { text: Some(text), number: i64::from_be_bytes(*number) })
}

fn key(http: &HttpState) -> Result<LessSafeKey, ApiError> {
    let secret = http.claim_key.reveal().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(ApiError::internal)?;
    mac.update(PURPOSE);
    of_bytes(&mac.finalize().into_bytes()).ok_or_else(|| ApiError::internal("a key of the wrong length"))
}

fn of_bytes(bytes: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, bytes).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(key: &LessSafeKey, list: &str, number: i64, text: &str) -> String {
        seal_with(key, [7; NONCE_LEN], list, &Last { text: Some(text.to_owned()), number }).unwrap()
    }

    #[test]
    fn a_cursor_opens_for_its_own_list_only() {
        let key = of_bytes(&[1; 32]).unwrap();
        let cursor = sealed(&key, "people by name", 42, "maria jose");
        assert!(!cursor.contains("maria"));
        let last = Last { text: Some("maria jose".to_owned()), number: 42 };
        assert_eq!(opened(&key, "people by name", &cursor), Some(last));
        assert_eq!(opened(&key, "people by address", &cursor), None);
        assert_eq!(opened(&of_bytes(&[2; 32]).unwrap(), "people by name", &cursor), None);
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_sealed_is_opened_and_nothing_else(
            number: i64, text: String, odd in ".{0,60}", at in 0..40_usize
        ) {
            let key = of_bytes(&[1; 32]).unwrap();
            let cursor = sealed(&key, "list", number, &text);
            let last = Last { text: Some(text), number };
            proptest::prop_assert_eq!(opened(&key, "list", &cursor), Some(last));
            proptest::prop_assert_eq!(opened(&key, "list", &odd), None);
            let mut changed = cursor.clone().into_bytes();
            let at = at % changed.len();
            // The first characters are whole bytes' bits: any change of them is one of the content.
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            if at + 1 < changed.len() {
                proptest::prop_assert_eq!(opened(&key, "list", &changed), None);
            }
        }
    }
}
