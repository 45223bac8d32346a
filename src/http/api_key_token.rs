//! What a program shows: `lk_<id>_<secret>`, the key's id and 256 random bits.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::domain::{ApiKeyId, Secret, hex};

/// What every key begins with, so that a scanner of leaked secrets knows it.
pub const PREFIX: &str = "lk_";
/// 32 bytes in base64.
const SECRET_CHARS: usize = 43;

/// An API key as its program has it.
pub struct ApiKeyToken {
    /// Which key it is.
    pub id: ApiKeyId,
    secret: Secret,
}

impl ApiKeyToken {
    /// A fresh one.
    #[must_use]
    pub fn new(id: ApiKeyId, random: fn(&mut [u8])) -> Self {
        let mut bytes = [0; 32];
        random(&mut bytes);
        Self { id, secret: Secret::new(URL_SAFE_NO_PAD.encode(bytes)) }
    }

    /// One that a client presents; `None` if it can't be ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let fits = id.len() == 32 && secret.len() == SECRET_CHARS && secret.is_ascii();
        fits.then_some(())?;
        Some(Self { id: Uuid::try_parse(id).ok()?.into(), secret: Secret::new(secret) })
    }

    /// The whole key, for the one answer that shows it.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id.0.simple(), self.secret.reveal())
    }

    /// What the log knows of the secret: SHA-256, 64 hex digits. It has 256 bits, so that no slow hash
    /// is needed.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(self.secret.reveal().as_bytes()))
    }

    /// Whether the log knows this secret, without telling by the time it takes how much of it is right.
    #[must_use]
    pub fn is_of(&self, sha256: &str) -> bool {
        self.sha256().as_bytes().ct_eq(sha256.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_another_secret_is_not_its() {
        let key = ApiKeyToken::new(Uuid::from_u128(7).into(), |bytes| bytes.fill(1));
        let text = key.reveal();
        let read = ApiKeyToken::parse(&text).unwrap();
        assert_eq!(read.id, key.id);
        assert!(read.is_of(&key.sha256()));
        let other = ApiKeyToken::new(key.id, |bytes| bytes.fill(2));
        assert!(!other.is_of(&key.sha256()));
        let long = format!("{text}x");
        for odd in ["", "lk_", "lk__", &text[1..], &text[..text.len() - 1], &long, &text.replace('_', "-")] {
            assert!(ApiKeyToken::parse(odd).is_none(), "{odd}");
        }
    }
}
