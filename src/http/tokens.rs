//! Access tokens (JWT, RFC 7519, HS256 only) and refresh tokens.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use time::OffsetDateTime;

use super::settings::TokenSettings;
use crate::domain::user::{Account, Role};
use crate::domain::{Personal, SessionId, UserId, hex};

/// The shortest key, in bytes: as long as the hash (RFC 7518 §3.2).
const MIN_KEY_BYTES: usize = 32;
/// The `typ` claim of access tokens: no other token of ours passes for one.
const ACCESS: &str = "access";

/// Makes and checks access tokens.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    settings: TokenSettings,
}

/// What an access token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    name: Personal<String>,
    last_name: Personal<String>,
    email: Personal<String>,
    username: Personal<String>,
    role: Role,
    iat: i64,
    exp: i64,
    iss: String,
    aud: String,
    typ: String,
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user.
    pub user_id: UserId,
    /// What the user may do.
    pub role: Role,
}

/// Why a token was refused. The client learns no more than that it was.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// The key is too short to make tokens.
    #[error("the token key has fewer than {MIN_KEY_BYTES} bytes; generate one of 32 random bytes")]
    WeakKey,
    /// The token can't be made.
    #[error("the token could not be signed")]
    NotSigned,
    /// Not ours, changed, for something else, or expired.
    #[error("the token is not valid or has expired")]
    NotValid,
}

impl Tokens {
    /// Tokens under a key of at least 32 bytes.
    ///
    /// # Errors
    /// The key is shorter.
    pub fn new(key: &[u8], settings: TokenSettings) -> Result<Self, TokenError> {
        if key.len() < MIN_KEY_BYTES {
            return Err(TokenError::WeakKey);
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims = HashSet::from(["exp", "iss", "aud", "sub"].map(str::to_owned));
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&[&settings.audience]);
        // Expiry is checked below, against the clock that was passed in.
        validation.validate_exp = false;
        Ok(Self {
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
            validation,
            settings,
        })
    }

    /// How long an access token counts, in seconds.
    #[must_use]
    pub const fn access_seconds(&self) -> u32 {
        self.settings.access_seconds
    }

    /// Until when a refresh token of now counts.
    #[must_use]
    pub fn refresh_until(&self, now: OffsetDateTime) -> OffsetDateTime {
        now + time::Duration::seconds(self.settings.refresh_seconds.into())
    }

    /// An access token for a user.
    ///
    /// # Errors
    /// It can't be signed.
    pub fn issue(&self, id: UserId, user: &Account, now: OffsetDateTime) -> Result<String, TokenError> {
        let iat = now.unix_timestamp();
        let claims = Claims {
            sub: id,
            name: user.profile.name.clone(),
            last_name: user.profile.last_name.clone(),
            email: user.profile.email.clone(),
            username: user.profile.user_name.clone(),
            role: user.role,
            iat,
            exp: iat + i64::from(self.settings.access_seconds),
            iss: self.settings.issuer.clone(),
            aud: self.settings.audience.clone(),
            typ: ACCESS.to_owned(),
        };
        let header = Header::new(Algorithm::HS256);
        jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(|_| TokenError::NotSigned)
    }

    /// Who a token is from.
    ///
    /// # Errors
    /// The token isn't a valid access token of ours.
    pub fn verify(&self, token: &str, now: OffsetDateTime) -> Result<Principal, TokenError> {
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation);
        let claims = decoded.map_err(|_| TokenError::NotValid)?.claims;
        if claims.typ != ACCESS || claims.exp <= now.unix_timestamp() {
            return Err(TokenError::NotValid);
        }
        Ok(Principal { user_id: claims.sub, role: claims.role })
    }
}

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
    use serde_json::{Value, json};
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::user::Profile;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
    const KEY: &[u8] = b"an example key of 32 bytes or so";

    fn tokens(key: &[u8]) -> Tokens {
        Tokens::new(key, TokenSettings::default()).unwrap()
    }

    fn user() -> Account {
        Account {
            profile: Profile {
                user_name: "ada".to_owned().into(),
                name: "Ada".to_owned().into(),
                last_name: "Lovelace".to_owned().into(),
                email: "ada@example.com".to_owned().into(),
            },
            role: Role::Operator,
            password_hash: String::new().into(),
            is_active: true,
            epoch: 0,
        }
    }

    fn id() -> UserId {
        Uuid::from_u128(7).into()
    }

    fn claims() -> Value {
        let token = tokens(KEY).issue(id(), &user(), NOW).unwrap();
        let body = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn signed(header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(KEY)).unwrap()
    }

    fn refused(token: &str) -> bool {
        tokens(KEY).verify(token, NOW) == Err(TokenError::NotValid)
    }

    #[test]
    fn a_token_says_who_it_is_from_until_it_expires() {
        let token = tokens(KEY).issue(id(), &user(), NOW).unwrap();
        let principal = Principal { user_id: id(), role: Role::Operator };
        assert_eq!(tokens(KEY).verify(&token, NOW + time::Duration::seconds(899)), Ok(principal));
        let expired = tokens(KEY).verify(&token, NOW + time::Duration::seconds(900));
        assert_eq!(expired, Err(TokenError::NotValid));
    }

    #[test]
    fn a_token_has_all_its_claims() {
        let expected = json!({
            "sub": id(), "name": "Ada", "last_name": "Lovelace", "email": "ada@example.com", "username": "ada",
            "role": "operator", "iat": NOW.unix_timestamp(), "exp": NOW.unix_timestamp() + 900,
            "iss": "laureate", "aud": "laureate-api", "typ": "access",
        });
        assert_eq!(claims(), expected);
    }

    #[test]
    fn another_purpose_issuer_or_audience_is_refused() {
        let header = Header::new(Algorithm::HS256);
        assert!(!refused(&signed(&header, &claims())));
        for (claim, value) in [("typ", "refresh"), ("iss", "other"), ("aud", "other")] {
            let mut claims = claims();
            claims[claim] = value.into();
            assert!(refused(&signed(&header, &claims)), "{claim}");
        }
        for claim in ["exp", "iss", "aud", "sub", "typ", "role"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(claim);
            assert!(refused(&signed(&header, &claims)), "without {claim}");
        }
    }

    #[test]
    fn a_foreign_signature_or_algorithm_is_refused() {
        let foreign = tokens(b"another example key, just as long").issue(id(), &user(), NOW).unwrap();
        assert!(refused(&foreign));
        assert!(refused(&signed(&Header::new(Algorithm::HS512), &claims())));
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let none = format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&claims()));
        assert!(refused(&none));
        assert!(refused(""));
    }

    #[test]
    fn short_keys_are_refused() {
        let short = Tokens::new(b"short", TokenSettings::default());
        assert!(matches!(short, Err(TokenError::WeakKey)));
    }

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
