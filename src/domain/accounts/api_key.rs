//! API key: credential of a program that acts on behalf of the user who created the key.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::domain::certification::person::text;
use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{DataSubject, Decider, FieldError, Refusal, UserId};

/// Maximum validity of a key, in days.
pub const MAX_DAYS: i64 = 366;
/// Maximum number of scopes of a key.
const MAX_SCOPES: usize = 64;

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// An API key was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyCreated {
    /// Purpose of the key, 1–100 characters.
    pub name: String,
    /// User who created the key. The key never has more permissions than this user.
    pub owner: UserId,
    /// Permissions of the key, as names of scopes.
    pub scopes: Vec<String>,
    /// SHA-256 of the key's secret, 64 hex digits. The secret itself is never stored.
    pub secret_sha256: String,
    /// End of the key's validity.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Epoch of the owner when the key was created. When the owner's password changes, keys of
    /// earlier epochs end, unless the change keeps API keys.
    #[serde(default)]
    pub owner_epoch: u32,
}

/// The key was revoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyRevoked {}

domain_events! {
    /// Events of an API key.
    ApiKeyEvent for "apikey" { ApiKeyCreated, ApiKeyRevoked }
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to an API key.
#[derive(Clone, Debug)]
pub enum ApiKeyCommand {
    /// Creates the key.
    Create {
        /// The new key.
        key: ApiKeyCreated,
        /// Current time.
        now: OffsetDateTime,
    },
    /// Revokes the key.
    Revoke,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// State of an API key.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ApiKeyState {
    /// The key was not created.
    #[default]
    Absent,
    /// The key is valid until it expires.
    Valid(ApiKeyCreated),
    /// The key is revoked.
    Revoked(ApiKeyCreated),
}

/// Decider of API keys.
pub struct ApiKey;

impl Decider for ApiKey {
    const AGGREGATE: &'static str = "apikey";
    type State = ApiKeyState;
    type Command = ApiKeyCommand;
    type Event = ApiKeyEvent;

    fn decide(state: &ApiKeyState, command: &ApiKeyCommand) -> Result<Vec<ApiKeyEvent>, Refusal> {
        match (command, state) {
            (ApiKeyCommand::Create { key, now }, ApiKeyState::Absent) => {
                check(key, *now)?;
                Ok(vec![key.clone().into()])
            }
            (ApiKeyCommand::Create { .. }, _) => Err(Refusal::AlreadyExists("API key")),
            (ApiKeyCommand::Revoke, ApiKeyState::Absent) => Err(Refusal::NotFound("API key")),
            (ApiKeyCommand::Revoke, ApiKeyState::Valid(_)) => Ok(vec![ApiKeyRevoked {}.into()]),
            (ApiKeyCommand::Revoke, ApiKeyState::Revoked(_)) => Ok(Vec::new()),
        }
    }

    fn data_subject(_: &str, state: &ApiKeyState, event: &ApiKeyEvent) -> Option<DataSubject> {
        match event {
            ApiKeyEvent::ApiKeyCreated(e) => Some(DataSubject::User(e.owner.0)),
            ApiKeyEvent::ApiKeyRevoked(_) => match state {
                ApiKeyState::Valid(key) | ApiKeyState::Revoked(key) => {
                    Some(DataSubject::User(key.owner.0))
                }
                ApiKeyState::Absent => None,
            },
        }
    }

    fn evolve(state: ApiKeyState, event: &ApiKeyEvent) -> ApiKeyState {
        match (event, state) {
            (ApiKeyEvent::ApiKeyCreated(key), _) => ApiKeyState::Valid(key.clone()),
            (ApiKeyEvent::ApiKeyRevoked(_), ApiKeyState::Valid(key)) => ApiKeyState::Revoked(key),
            (ApiKeyEvent::ApiKeyRevoked(_), state) => state,
        }
    }
}

fn check(key: &ApiKeyCreated, now: OffsetDateTime) -> Result<(), Refusal> {
    let mut wrong: Vec<_> = text::check_line("name", &key.name, 100)
        .err()
        .into_iter()
        .collect();
    let mut field = |field, message: String| wrong.push(FieldError::invalid(field, message));
    if key.scopes.is_empty() || key.scopes.len() > MAX_SCOPES {
        field("scopes", format!("give 1 to {MAX_SCOPES}"));
    }
    if key.expires_at <= now || key.expires_at > now + Duration::days(MAX_DAYS) {
        field(
            "expiresAt",
            format!("give a time in the next {MAX_DAYS} days"),
        );
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Invalid(wrong))
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    pub(crate) fn key(name: &str, expires_at: OffsetDateTime) -> ApiKeyCreated {
        ApiKeyCreated {
            name: name.to_owned(),
            owner: uuid::Uuid::from_u128(1).into(),
            scopes: vec!["certificates:read".to_owned()],
            secret_sha256: "ab".repeat(32),
            expires_at,
            owner_epoch: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::samples::key;
    use super::*;
    use crate::domain::kernel::decider::spec::given;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
    const LATER: OffsetDateTime = datetime!(2027-02-21 12:00 UTC);

    fn create(key: &ApiKeyCreated) -> ApiKeyCommand {
        ApiKeyCommand::Create {
            key: key.clone(),
            now: NOW,
        }
    }

    #[test]
    fn key_is_created_once_and_revoked_once() {
        let key = key("sync", LATER);
        given::<ApiKey>(vec![])
            .when(create(&key))
            .then(vec![key.clone().into()]);
        let made: Vec<ApiKeyEvent> = vec![key.clone().into()];
        given::<ApiKey>(made.clone())
            .when(create(&key))
            .then_refused("ALREADY_EXISTS");
        given::<ApiKey>(made.clone())
            .when(ApiKeyCommand::Revoke)
            .then(vec![ApiKeyRevoked {}.into()]);
        let revoked = [made, vec![ApiKeyRevoked {}.into()]].concat();
        given::<ApiKey>(revoked)
            .when(ApiKeyCommand::Revoke)
            .then_nothing();
    }

    #[test]
    fn key_requires_a_name_scopes_and_an_expiry() {
        let whole = key("sync", LATER);
        for wrong in [
            ApiKeyCreated {
                name: " ".to_owned(),
                ..whole.clone()
            },
            ApiKeyCreated {
                scopes: Vec::new(),
                ..whole.clone()
            },
            ApiKeyCreated {
                expires_at: NOW,
                ..whole.clone()
            },
            ApiKeyCreated {
                expires_at: NOW + Duration::days(MAX_DAYS + 1),
                ..whole
            },
        ] {
            given::<ApiKey>(vec![])
                .when(create(&wrong))
                .then_refused("VALIDATION_ERROR");
        }
    }
}
