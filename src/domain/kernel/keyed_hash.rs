//! Keyed hashes, and keys that are derived from one secret. Each key has a single purpose.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Purpose of a key. A hash for one purpose is invalid for another purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Keyed hash in refresh tokens. It proves that this program issued the token.
    RefreshToken,
    /// Random part of the refresh token that follows another one.
    NextRefreshToken,
    /// Secret in the link of a notice.
    NoticeLink,
    /// Key with which the cursors of lists are encrypted.
    ListCursor,
    /// Key with which the secrets of authenticators are encrypted.
    SecondFactor,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::RefreshToken => "laureate/refresh-token",
            Self::NextRefreshToken => "laureate/next-refresh-token",
            Self::NoticeLink => "laureate/notice-link",
            Self::ListCursor => "laureate/list-cursor",
            Self::SecondFactor => "laureate/second-factor",
        }
    }

    /// Returns the HMAC-SHA-256 (RFC 2104) of `text`, keyed with [`Self::key`].
    #[must_use]
    pub fn hash(self, secret: &[u8], text: &[u8]) -> [u8; 32] {
        self.of(secret, text).finalize().into_bytes().into()
    }

    /// Returns true if `hash` is the keyed hash of `text`. The comparison takes constant time.
    #[must_use]
    pub fn fits(self, secret: &[u8], text: &[u8], hash: &[u8]) -> bool {
        self.of(secret, text).verify_slice(hash).is_ok()
    }

    /// Returns the key that is derived from `secret` for this purpose.
    #[must_use]
    pub fn key(self, secret: &[u8]) -> [u8; 32] {
        mac(secret)
            .chain_update(self.name())
            .finalize()
            .into_bytes()
            .into()
    }

    fn of(self, secret: &[u8], text: &[u8]) -> Hmac<Sha256> {
        mac(&self.key(secret)).chain_update(text)
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
pub(super) fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes any key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_depends_on_text_secret_and_purpose() {
        let hash = Purpose::RefreshToken.hash(b"secret", b"text");
        assert!(Purpose::RefreshToken.fits(b"secret", b"text", &hash));
        assert!(!Purpose::RefreshToken.fits(b"secret", b"other", &hash));
        assert!(!Purpose::RefreshToken.fits(b"other", b"text", &hash));
        assert!(!Purpose::RefreshToken.fits(b"secret", b"text", &hash[..31]));
        assert!(!Purpose::NoticeLink.fits(b"secret", b"text", &hash));
        assert_ne!(
            hash,
            <[u8; 32]>::from(mac(b"secret").chain_update("text").finalize().into_bytes())
        );
    }
}
