//! Refresh tokens. They are opaque, and the log stores only the hash of the latest token of each
//! session. The first token of a session is random. Each further one is a keyed hash of the one
//! before, so a repeated refresh gives the same token again, although no token is stored.
//!
//! If an earlier token of a session is used again, the session is ended (RFC 9700 §4.14.2). The id
//! of a session is not secret, so anyone could make up a token with it. Such a token must not end
//! the session. Therefore each token contains a proof that this server has issued it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::domain::kernel::keyed_hash::Purpose;
use crate::domain::{Secret, SessionId};

/// Length of 32 bytes in base64url.
const ENCODED_CHARS: usize = 43;

/// Refresh token: the id of its session, 256 secret bits, and a keyed hash of both. A token works
/// once.
pub struct RefreshToken {
    /// Session of the token.
    pub session_id: SessionId,
    text: String,
}

impl RefreshToken {
    /// Creates a random token. Its keyed hash, computed with `key`, later proves that this server
    /// has issued it.
    #[must_use]
    pub fn new(session_id: SessionId, random: fn(&mut [u8]), key: &Secret) -> Self {
        let mut secret = [0; 32];
        random(&mut secret);
        Self::of(session_id, secret, key)
    }

    /// Creates the token for which this one is exchanged. It is always the same.
    #[must_use]
    pub fn next(&self, key: &Secret) -> Self {
        let before = self.text.as_bytes();
        let secret = Purpose::NextRefreshToken.hash(key.reveal().as_bytes(), before);
        Self::of(self.session_id, secret, key)
    }

    fn of(session_id: SessionId, secret: [u8; 32], key: &Secret) -> Self {
        let text = format!("{session_id}.{}", URL_SAFE_NO_PAD.encode(secret));
        let hash = Purpose::RefreshToken.hash(key.reveal().as_bytes(), text.as_bytes());
        Self {
            session_id,
            text: format!("{text}.{}", URL_SAFE_NO_PAD.encode(hash)),
        }
    }

    /// Parses a token that a client sent. Returns `None` if it does not have the form of a refresh
    /// token. Tokens of older versions have no keyed hash. Such a token is valid only while it is
    /// the latest token of its session.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let session_id = parts.next()?.parse().ok()?;
        let fits = |part: &str| part.len() == ENCODED_CHARS;
        let is_ours = parts.next().is_some_and(fits)
            && parts.next().is_none_or(fits)
            && parts.next().is_none();
        is_ours.then(|| Self {
            session_id,
            text: text.to_owned(),
        })
    }

    /// Returns true if the keyed hash proves that this server has issued the token.
    #[must_use]
    pub fn was_issued(&self, key: &Secret) -> bool {
        let Some((text, hash)) = self.text.rsplit_once('.') else {
            return false;
        };
        let hash = URL_SAFE_NO_PAD.decode(hash).unwrap_or_default();
        Purpose::RefreshToken.fits(key.reveal().as_bytes(), text.as_bytes(), &hash)
    }

    /// Returns the token in plain text, for its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Returns the SHA-256 of the token as 64 hex digits. The log stores only this hash.
    #[must_use]
    pub fn sha256(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn token(key: &str) -> RefreshToken {
        RefreshToken::new(
            Uuid::from_u128(9).into(),
            |bytes| bytes.fill(1),
            &Secret::new(key),
        )
    }

    #[test]
    fn refresh_token_is_parsed_and_malformed_ones_are_rejected() {
        let token = token("key");
        let read = RefreshToken::parse(token.reveal()).unwrap();
        assert_eq!(
            (read.session_id, read.sha256()),
            (token.session_id, token.sha256())
        );
        for text in [
            "",
            ".",
            "a.b",
            &token.reveal()[1..],
            &format!("{}x", token.reveal()),
            &format!("{}.", token.reveal()),
        ] {
            assert!(RefreshToken::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn next_token_depends_on_the_token_and_the_key() {
        let first = token("key");
        let key = Secret::new("key");
        let next = first.next(&key);
        assert_eq!(next.reveal(), first.next(&key).reveal());
        assert!(next.was_issued(&key) && next.session_id == first.session_id);
        let others = [
            first.reveal().to_owned(),
            first.next(&Secret::new("another key")).reveal().to_owned(),
            next.next(&key).reveal().to_owned(),
        ];
        assert!(!others.contains(&next.reveal().to_owned()));
    }

    #[test]
    fn only_issued_refresh_tokens_are_recognized_by_their_signature() {
        let ours = token("key");
        let key = Secret::new("key");
        assert!(RefreshToken::parse(ours.reveal()).unwrap().was_issued(&key));
        let (before, hash) = ours.reveal().rsplit_once('.').unwrap();
        let other = format!("{}.{}.{hash}", ours.session_id, "A".repeat(ENCODED_CHARS));
        for made_up in [before, &other, token("another key").reveal()] {
            assert!(
                !RefreshToken::parse(made_up).unwrap().was_issued(&key),
                "{made_up}"
            );
        }
    }
}
