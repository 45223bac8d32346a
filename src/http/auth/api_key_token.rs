//! API keys in the form that clients send: `lk_<id>_<secret>`. The id is the id of the key, the
//! secret is 256 random bits.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::domain::{ApiKeyId, Secret};

/// Prefix of every API key. Scanners for leaked secrets recognize it.
pub const PREFIX: &str = "lk_";
/// Length of 32 bytes in base64url.
const SECRET_CHARS: usize = 43;

/// API key in plain text.
pub struct ApiKeyToken {
    /// Id of the key.
    pub id: ApiKeyId,
    secret: Secret,
}

impl ApiKeyToken {
    /// Creates a token with a random secret.
    #[must_use]
    pub fn new(id: ApiKeyId, random: fn(&mut [u8])) -> Self {
        let mut bytes = [0; 32];
        random(&mut bytes);
        Self {
            id,
            secret: Secret::new(URL_SAFE_NO_PAD.encode(bytes)),
        }
    }

    /// Parses a token that a client sent. Returns `None` if it does not have the form of an API
    /// key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let fits = id.len() == 32 && secret.len() == SECRET_CHARS && secret.is_ascii();
        if !fits {
            return None;
        }
        Some(Self {
            id: Uuid::try_parse(id).ok()?.into(),
            secret: Secret::new(secret),
        })
    }

    /// Returns the whole key. Only the response that creates the key contains it.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id.0.simple(), self.secret.reveal())
    }

    /// Returns the SHA-256 of the secret as 64 hex digits. The log stores only this hash. A fast
    /// hash is enough, because a secret of 256 random bits can't be guessed.
    #[must_use]
    pub fn sha256(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.secret.reveal().as_bytes()))
    }

    /// Returns true if `sha256` is the hash of this secret. Compares in constant time.
    #[must_use]
    pub fn is_of(&self, sha256: &str) -> bool {
        self.sha256().as_bytes().ct_eq(sha256.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_key_is_parsed_and_only_its_secret_matches_the_stored_hash() {
        let key = ApiKeyToken::new(Uuid::from_u128(7).into(), |bytes| bytes.fill(1));
        let text = key.reveal();
        let read = ApiKeyToken::parse(&text).unwrap();
        assert_eq!(read.id, key.id);
        assert!(read.is_of(&key.sha256()));
        let other = ApiKeyToken::new(key.id, |bytes| bytes.fill(2));
        assert!(!other.is_of(&key.sha256()));
        let long = format!("{text}x");
        for odd in [
            "",
            "lk_",
            "lk__",
            &text[1..],
            &text[..text.len() - 1],
            &long,
            &text.replace('_', "-"),
        ] {
            assert!(ApiKeyToken::parse(odd).is_none(), "{odd}");
        }
    }
}
