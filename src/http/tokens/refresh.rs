//! Refresh tokens: opaque, and known to the log by their hash alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::domain::{SessionId, hex};

/// A refresh token: the session it belongs to and 256 random bits. Works once.
pub struct RefreshToken {
    /// The session.
    pub session_id: SessionId,
    text: String,
}

impl RefreshToken {
    /// A fresh one.
    #[must_use]
    pub fn new(session_id: SessionId, random: fn(&mut [u8])) -> Self {
        let mut bytes = [0; 32];
        random(&mut bytes);
        Self { session_id, text: format!("{session_id}.{}", URL_SAFE_NO_PAD.encode(bytes)) }
    }

    /// One that a client presents; `None` if it can't be ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (session, secret) = text.split_once('.')?;
        (secret.len() == 43).then_some(())?;
        Some(Self { session_id: session.parse().ok()?, text: text.to_owned() })
    }

    /// The token itself, for its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What the log knows of it: SHA-256, 64 hex digits.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(self.text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn refresh_tokens_are_read_back() {
        let token = RefreshToken::new(Uuid::from_u128(9).into(), |bytes| bytes.fill(1));
        let read = RefreshToken::parse(token.reveal()).unwrap();
        assert_eq!((read.session_id, read.sha256()), (token.session_id, token.sha256()));
        for text in ["", ".", "a.b", &token.reveal()[1..], &format!("{}x", token.reveal())] {
            assert!(RefreshToken::parse(text).is_none(), "{text}");
        }
    }
}
