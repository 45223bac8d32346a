//! How the log keeps an authenticator's secret: encrypted (ChaCha20-Poly1305, RFC 8439), for one user.
//!
//! The key is derived from the key of claims, which every process of an installation has and which never
//! changes while the log lives; so there is nothing to be sealed anew. The user's id is authenticated
//! beside the secret: an event that is copied to another user opens nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

use crate::domain::{Secret, UserId};

/// What the key is made for.
const PURPOSE: &[u8] = b"laureate second factors 1";

/// Seals a secret for a user. `None` never comes of a key of this length.
pub(super) fn seal(claim_key: &Secret, user: UserId, random: fn(&mut [u8]), secret: &[u8]) -> Option<String> {
    let mut nonce = [0; NONCE_LEN];
    random(&mut nonce);
    let mut sealed = secret.to_vec();
    let (unique, aad) = (Nonce::assume_unique_for_key(nonce), Aad::from(user.0.into_bytes()));
    key(claim_key)?.seal_in_place_append_tag(unique, aad, &mut sealed).ok()?;
    Some(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
}

/// Opens what was sealed for this user under this key.
pub(super) fn open(claim_key: &Secret, user: UserId, sealed: &str) -> Option<Vec<u8>> {
    let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let secret = key(claim_key)?.open_in_place(nonce, Aad::from(user.0.into_bytes()), sealed).ok()?;
    Some(secret.to_vec())
}

fn key(claim_key: &Secret) -> Option<LessSafeKey> {
    let mut mac = Hmac::<Sha256>::new_from_slice(claim_key.reveal().as_bytes()).ok()?;
    mac.update(PURPOSE);
    UnboundKey::new(&CHACHA20_POLY1305, &mac.finalize().into_bytes()).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_secret_opens_for_its_user_and_under_its_key_only() {
        let (key, ada) = (Secret::new("one"), UserId(Uuid::from_u128(1)));
        let sealed = seal(&key, ada, |bytes| bytes.fill(7), b"a secret of 20 bytes").unwrap();
        assert_eq!(open(&key, ada, &sealed).as_deref(), Some(&b"a secret of 20 bytes"[..]));
        assert_eq!(open(&key, UserId(Uuid::from_u128(2)), &sealed), None);
        assert_eq!(open(&Secret::new("other"), ada, &sealed), None);
        for at in [0, 20, 40] {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(open(&key, ada, &String::from_utf8(changed).unwrap()), None, "{at}");
        }
        for odd in ["", "A", "ä", &sealed[..8]] {
            assert_eq!(open(&key, ada, odd), None, "{odd}");
        }
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        let (key, ada) = (Secret::new("one"), UserId(Uuid::from_u128(1)));
        let sealed = || seal(&key, ada, |bytes| rand::fill(bytes), b"a secret of 20 bytes");
        assert_ne!(sealed(), sealed());
    }
}
