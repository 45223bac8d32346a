//! Authenticated encryption (ChaCha20-Poly1305, RFC 8439) of short data that the program gives to
//! clients or stores in the log.
//!
//! The encryption key of each purpose is derived from the claim key. All processes of an
//! installation have the same claim key, which never changes while the log exists, so no data has
//! to be encrypted again. The subject of the data is authenticated: data that was encrypted for one
//! subject can't be decrypted for another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::domain::Secret;
use crate::domain::kernel::keyed_hash::Purpose;

/// Encrypts and decrypts data of one purpose.
pub(in crate::http) struct Seal(Option<LessSafeKey>);

impl Seal {
    pub(in crate::http) fn of(purpose: Purpose, claim_key: &Secret) -> Self {
        let key = purpose.key(claim_key.reveal().as_bytes());
        Self(
            UnboundKey::new(&CHACHA20_POLY1305, &key)
                .ok()
                .map(LessSafeKey::new),
        )
    }

    /// Encrypts `plain` with `about` as additional data, and returns it as base64url text, which is
    /// valid in a URL. Returns `None` only if the key is not 32 bytes long.
    pub(in crate::http) fn close(
        &self,
        random: fn(&mut [u8]),
        about: &[u8],
        plain: &[u8],
    ) -> Option<String> {
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce);
        let mut sealed = plain.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        let aad = Aad::from(about);
        self.0
            .as_ref()?
            .seal_in_place_append_tag(unique, aad, &mut sealed)
            .ok()?;
        Some(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// Decrypts text that was encrypted with the same key, purpose and `about`. Returns `None` for
    /// any other text.
    pub(in crate::http) fn open(&self, about: &[u8], sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        self.0
            .as_ref()?
            .open_in_place(nonce, Aad::from(about), sealed)
            .ok()
            .map(|plain| plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(key: &str) -> Seal {
        Seal::of(Purpose::SecondFactor, &Secret::new(key))
    }

    #[test]
    fn sealed_secret_opens_only_with_its_subject_key_and_purpose() {
        let sealed = seal("one")
            .close(|bytes| bytes.fill(7), b"ada", b"a secret of 20 bytes")
            .unwrap();
        assert_eq!(
            seal("one").open(b"ada", &sealed).as_deref(),
            Some(&b"a secret of 20 bytes"[..])
        );
        assert_eq!(seal("one").open(b"grace", &sealed), None);
        assert_eq!(seal("other").open(b"ada", &sealed), None);
        assert_eq!(
            Seal::of(Purpose::ListCursor, &Secret::new("one")).open(b"ada", &sealed),
            None
        );
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        let sealed =
            || seal("one").close(|bytes| rand::fill(bytes), b"ada", b"a secret of 20 bytes");
        assert_ne!(sealed(), sealed());
    }

    proptest::proptest! {
        #[test]
        fn any_sealed_text_opens_and_a_changed_one_does_not(
            plain: Vec<u8>, odd in ".{0,60}", at in 0..40_usize
        ) {
            let sealed = seal("one").close(|bytes| bytes.fill(7), b"list", &plain).unwrap();
            proptest::prop_assert_eq!(seal("one").open(b"list", &sealed), Some(plain));
            proptest::prop_assert_eq!(seal("one").open(b"list", &odd), None);
            let mut changed = sealed.into_bytes();
            let at = at % changed.len();
            // Only the last character can have unused bits, whose change has no effect. A change of
            // any other character changes the decoded bytes.
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            if at + 1 < changed.len() {
                proptest::prop_assert_eq!(seal("one").open(b"list", &changed), None);
            }
        }
    }
}
