//! Keyed hashes and keys for one purpose each, made from a single secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a keyed hash is for: one made for a purpose is worth nothing for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Shows that a refresh token was issued by us.
    RefreshToken,
    /// The secret in the link of a notice.
    NoticeLink,
    /// Seals where the next page of a list begins.
    ListCursor,
    /// Seals the secrets of authenticators.
    SecondFactor,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::RefreshToken => "laureate/refresh-token",
            Self::NoticeLink => "laureate/notice-link",
            Self::ListCursor => "laureate/list-cursor",
            Self::SecondFactor => "laureate/second-factor",
        }
    }

    /// HMAC-SHA-256 (RFC 2104) of a text, by a key that is made of `secret` for this purpose alone.
    #[must_use]
    pub fn hash(self, secret: &[u8], text: &[u8]) -> [u8; 32] {
        self.of(secret, text).finalize().into_bytes().into()
    }

    /// Whether `hash` is the one of this text, in a time that doesn't tell where it differs.
    #[must_use]
    pub fn fits(self, secret: &[u8], text: &[u8], hash: &[u8]) -> bool {
        self.of(secret, text).verify_slice(hash).is_ok()
    }

    /// A key that is made of `secret` for this purpose alone.
    #[must_use]
    pub fn key(self, secret: &[u8]) -> [u8; 32] {
        mac(secret).chain_update(self.name()).finalize().into_bytes().into()
    }

    fn of(self, secret: &[u8], text: &[u8]) -> Hmac<Sha256> {
        mac(&self.key(secret)).chain_update(text)
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    // proof: HMAC takes a key of any length.
    #[allow(clippy::expect_used)]
    Hmac::new_from_slice(key).expect("HMAC takes any key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_its_text_secret_and_purpose() {
        let hash = Purpose::RefreshToken.hash(b"secret", b"text");
        assert!(Purpose::RefreshToken.fits(b"secret", b"text", &hash));
        assert!(!Purpose::RefreshToken.fits(b"secret", b"other", &hash));
        assert!(!Purpose::RefreshToken.fits(b"other", b"text", &hash));
        assert!(!Purpose::RefreshToken.fits(b"secret", b"text", &hash[..31]));
        assert!(!Purpose::NoticeLink.fits(b"secret", b"text", &hash));
        assert_ne!(hash, <[u8; 32]>::from(mac(b"secret").chain_update("text").finalize().into_bytes()));
    }
}
