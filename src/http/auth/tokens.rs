//! Access tokens: JWTs (RFC 7519) with HS256. The module [`refresh`] has the refresh tokens.

pub mod keys;
pub mod refresh;

use std::collections::HashSet;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::OffsetDateTime;

use crate::domain::accounts::user::{Account, Role};
use crate::domain::{Personal, SessionId, UserId};
use crate::http::settings::TokenSettings;

pub use keys::{BadKeys, SigningKey};
pub use refresh::RefreshToken;

/// Value of the `typ` claim of access tokens. A token of this server for another purpose has
/// another value and is rejected.
const ACCESS: &str = "access";

/// Issues and verifies access tokens.
pub struct Tokens {
    encoding: EncodingKey,
    signing_id: String,
    decoding: Vec<(String, DecodingKey)>,
    validation: Validation,
    settings: TokenSettings,
}

/// Claims of an access token.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    sid: SessionId,
    epoch: u32,
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
    /// True if the user must change the password. The value can't become wrong during the life of
    /// the token, because a change of the password starts a new epoch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    first_password: bool,
}

/// Content of a valid access token: the user and the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bearer {
    /// Id of the user.
    pub user_id: UserId,
    /// Role of the user at the time of issue.
    pub role: Role,
    /// Session that the token belongs to.
    pub session_id: SessionId,
    /// The user's epoch at the time of issue.
    pub epoch: u32,
    /// True if an administrator has set the password, so that the user must change it.
    pub has_first_password: bool,
}

/// Reason why a token was not issued or was rejected. The client only learns that the token was
/// rejected.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// The token can't be signed.
    #[error("the token could not be signed")]
    NotSigned,
    /// The token is not from this server, was modified, is for another purpose, or has expired.
    #[error("the token is not valid or has expired")]
    NotValid,
}

impl Tokens {
    /// Creates the issuer and verifier of access tokens. It signs with the first key, and accepts
    /// signatures of all keys.
    ///
    /// # Errors
    /// `keys` is empty.
    pub fn new(keys: &[SigningKey], settings: TokenSettings) -> Result<Self, BadKeys> {
        let first = keys.first().ok_or(BadKeys::None)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims =
            HashSet::from(["exp", "iss", "aud", "sub"].map(str::to_owned));
        validation.set_issuer(&[&settings.issuer]);
        validation.set_audience(&[&settings.audience]);
        // `verify` checks the expiry itself, against its parameter `now`.
        validation.validate_exp = false;
        let secret = |key: &SigningKey| DecodingKey::from_secret(key.key.reveal().as_bytes());
        Ok(Self {
            encoding: EncodingKey::from_secret(first.key.reveal().as_bytes()),
            signing_id: first.id.clone(),
            decoding: keys
                .iter()
                .map(|key| (key.id.clone(), secret(key)))
                .collect(),
            validation,
            settings,
        })
    }

    /// Returns the expiry of an access token that is issued at `now` in a session that ends at
    /// `ends_at`. The token never outlives the session.
    #[must_use]
    pub fn access_until(&self, now: OffsetDateTime, ends_at: OffsetDateTime) -> OffsetDateTime {
        ends_at.min(now + time::Duration::seconds(self.settings.access_seconds.into()))
    }

    /// Returns the expiry of a refresh token that is issued at `now`.
    #[must_use]
    pub fn refresh_until(&self, now: OffsetDateTime) -> OffsetDateTime {
        now + time::Duration::seconds(self.settings.refresh_seconds.into())
    }

    /// Returns the end of a session that starts at `now`.
    #[must_use]
    pub fn session_until(&self, now: OffsetDateTime) -> OffsetDateTime {
        now + time::Duration::seconds(self.settings.session_seconds.into())
    }

    /// Issues an access token for a user in a session, valid from `now` to `until`.
    ///
    /// # Errors
    /// The token can't be signed.
    pub fn issue(
        &self,
        id: UserId,
        user: &Account,
        session_id: SessionId,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<String, TokenError> {
        let claims = Claims {
            sub: id,
            sid: session_id,
            epoch: user.epoch,
            name: user.profile.name.clone(),
            last_name: user.profile.last_name.clone(),
            email: user.profile.email.clone(),
            username: user.profile.user_name.clone(),
            role: user.role,
            iat: now.unix_timestamp(),
            exp: until.unix_timestamp(),
            iss: self.settings.issuer.clone(),
            aud: self.settings.audience.clone(),
            typ: ACCESS.to_owned(),
            first_password: user.first_password_until.is_some(),
        };
        let header = Header {
            kid: Some(self.signing_id.clone()),
            ..Header::new(Algorithm::HS256)
        };
        jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(|_| TokenError::NotSigned)
    }

    /// Verifies an access token and returns its content.
    ///
    /// # Errors
    /// The token is not a valid access token of this server, or has expired.
    pub fn verify(&self, token: &str, now: OffsetDateTime) -> Result<Bearer, TokenError> {
        let not_valid = |_| TokenError::NotValid;
        let kid = jsonwebtoken::decode_header(token)
            .map_err(not_valid)?
            .kid
            .ok_or(TokenError::NotValid)?;
        let key = self
            .decoding
            .iter()
            .find(|(id, _)| *id == kid)
            .ok_or(TokenError::NotValid)?;
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.1, &self.validation);
        let claims = decoded.map_err(not_valid)?.claims;
        if claims.typ != ACCESS || claims.exp <= now.unix_timestamp() {
            return Err(TokenError::NotValid);
        }
        let Claims {
            sub: user_id,
            role,
            sid: session_id,
            epoch,
            first_password: has_first_password,
            ..
        } = claims;
        Ok(Bearer {
            user_id,
            role,
            session_id,
            epoch,
            has_first_password,
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::Secret;
    use crate::domain::accounts::user::Profile;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
    const KEY: &str = "an example key of 32 bytes or so";
    const OTHER: &str = "another example key, just as long";

    fn tokens(keys: &[(&str, &str)]) -> Tokens {
        let key = |(id, key): &(&str, &str)| SigningKey {
            id: (*id).to_owned(),
            key: Secret::new(*key),
        };
        let keys: Vec<SigningKey> = keys.iter().map(key).collect();
        Tokens::new(&keys, TokenSettings::default()).unwrap()
    }

    fn ours() -> Tokens {
        tokens(&[("one", KEY)])
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
            epoch: 3,
            keys_from_epoch: 0,
            address_changes: 0,
            first_password_until: None,
        }
    }

    fn id() -> UserId {
        Uuid::from_u128(7).into()
    }

    fn session() -> SessionId {
        Uuid::from_u128(8).into()
    }

    fn issued(tokens: &Tokens) -> String {
        let until = tokens.access_until(NOW, NOW + time::Duration::days(1));
        tokens.issue(id(), &user(), session(), NOW, until).unwrap()
    }

    fn claims() -> Value {
        let body = URL_SAFE_NO_PAD
            .decode(issued(&ours()).split('.').nth(1).unwrap())
            .unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    fn header(algorithm: Algorithm, kid: Option<&str>) -> Header {
        Header {
            kid: kid.map(str::to_owned),
            ..Header::new(algorithm)
        }
    }

    fn signed(header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(KEY.as_bytes())).unwrap()
    }

    fn refused(token: &str) -> bool {
        ours().verify(token, NOW) == Err(TokenError::NotValid)
    }

    #[test]
    fn token_identifies_its_user_until_it_expires() {
        let bearer = Bearer {
            user_id: id(),
            role: Role::Operator,
            session_id: session(),
            epoch: 3,
            has_first_password: false,
        };
        let token = issued(&ours());
        assert_eq!(ours().verify(&token, NOW), Ok(bearer));
        assert!(
            ours()
                .verify(&token, NOW + time::Duration::seconds(900))
                .is_err()
        );
        let expected = json!({
            "sub": id(), "sid": session(), "epoch": 3, "name": "Ada", "last_name": "Lovelace",
            "email": "ada@example.com", "username": "ada", "role": "operator",
            "iat": NOW.unix_timestamp(), "exp": NOW.unix_timestamp() + 900,
            "iss": "laureate", "aud": "laureate-api", "typ": "access",
        });
        assert_eq!(claims(), expected);
    }

    #[test]
    fn token_states_that_the_user_has_a_first_password() {
        let user = Account {
            first_password_until: Some(NOW),
            ..user()
        };
        let token = ours()
            .issue(id(), &user, session(), NOW, NOW + time::Duration::days(1))
            .unwrap();
        assert!(
            ours()
                .verify(&token, NOW)
                .is_ok_and(|bearer| bearer.has_first_password)
        );
    }

    #[test]
    fn token_expires_with_its_session() {
        let end = NOW + time::Duration::seconds(30);
        let until = ours().access_until(NOW, end);
        let token = ours().issue(id(), &user(), session(), NOW, until).unwrap();
        assert!(
            ours()
                .verify(&token, end - time::Duration::seconds(1))
                .is_ok()
        );
        assert_eq!(ours().verify(&token, end), Err(TokenError::NotValid));
    }

    #[test]
    fn token_with_another_purpose_issuer_or_audience_is_refused() {
        let header = header(Algorithm::HS256, Some("one"));
        assert!(!refused(&signed(&header, &claims())));
        for (claim, value) in [("typ", "refresh"), ("iss", "other"), ("aud", "other")] {
            let mut claims = claims();
            claims[claim] = value.into();
            assert!(refused(&signed(&header, &claims)), "{claim}");
        }
        for claim in ["exp", "iss", "aud", "sub", "sid", "epoch", "typ", "role"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(claim);
            assert!(refused(&signed(&header, &claims)), "without {claim}");
        }
    }

    #[test]
    fn token_with_a_wrong_signature_or_algorithm_is_refused() {
        assert!(refused(&issued(&tokens(&[("one", OTHER)]))));
        assert!(refused(&signed(
            &header(Algorithm::HS512, Some("one")),
            &claims()
        )));
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let none = json!({"alg": "none", "typ": "JWT", "kid": "one"});
        assert!(refused(&format!("{}.{}.", part(&none), part(&claims()))));
        assert!(refused(""));
    }

    #[test]
    fn tokens_of_the_previous_key_are_accepted_after_a_key_rotation() {
        let before = ours();
        let both = tokens(&[("two", OTHER), ("one", KEY)]);
        assert!(both.verify(&issued(&before), NOW).is_ok());
        let new = issued(&both);
        assert!(both.verify(&new, NOW).is_ok());
        assert_eq!(
            jsonwebtoken::decode_header(&new).unwrap().kid.as_deref(),
            Some("two")
        );
        assert!(
            before.verify(&new, NOW).is_err(),
            "a key that is not known here"
        );
    }

    #[test]
    fn token_with_an_unknown_or_missing_key_id_is_refused() {
        for kid in [None, Some(""), Some("two")] {
            assert!(
                refused(&signed(&header(Algorithm::HS256, kid), &claims())),
                "{kid:?}"
            );
        }
    }
}
