//! API key: what a program logs in with, in the name of whoever made it.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::events::domain_events;
use super::person::text;
use super::{Decider, InvalidField, Refusal, UserId};

/// The longest that a key counts, in days.
pub const MAX_DAYS: i64 = 366;
/// The most scopes of a key.
const MAX_SCOPES: usize = 64;

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A program may call in somebody's name from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyCreated {
    /// What the key is for, 1–100 characters.
    pub name: String,
    /// Whoever made it. It never may more than this user.
    pub owner: UserId,
    /// What it may, by names of scopes.
    pub scopes: Vec<String>,
    /// SHA-256 of its secret, 64 hex digits; never the secret.
    pub secret_sha256: String,
    /// Until when it counts.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Epoch of the owner when the key was made. A new password of the owner ends keys of earlier epochs.
    #[serde(default)]
    pub owner_epoch: u32,
}

/// The key counts no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyRevoked {}

domain_events! {
    /// What can happen to an API key.
    ApiKeyEvent for "apikey" { ApiKeyCreated, ApiKeyRevoked }
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// What can be asked of an API key.
#[derive(Clone, Debug)]
pub enum ApiKeyCommand {
    /// Make it.
    Create {
        /// What it is.
        key: ApiKeyCreated,
        /// The time now.
        now: OffsetDateTime,
    },
    /// Let it count no more.
    Revoke,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// A key as the history has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ApiKeyState {
    /// No history.
    #[default]
    Absent,
    /// It counts, until it expires.
    Valid(ApiKeyCreated),
    /// It was revoked.
    Revoked(ApiKeyCreated),
}

/// The decider of API keys.
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

    fn evolve(state: ApiKeyState, event: &ApiKeyEvent) -> ApiKeyState {
        match (event, state) {
            (ApiKeyEvent::ApiKeyCreated(key), _) => ApiKeyState::Valid(key.clone()),
            (ApiKeyEvent::ApiKeyRevoked(_), ApiKeyState::Valid(key)) => ApiKeyState::Revoked(key),
            (ApiKeyEvent::ApiKeyRevoked(_), state) => state,
        }
    }
}

fn check(key: &ApiKeyCreated, now: OffsetDateTime) -> Result<(), Refusal> {
    let mut wrong: Vec<_> = text::check_line("name", &key.name, 100).err().into_iter().collect();
    let mut field = |field, message: String| wrong.push(InvalidField { field, message });
    if key.scopes.is_empty() || key.scopes.len() > MAX_SCOPES {
        field("scopes", format!("give 1 to {MAX_SCOPES}"));
    }
    if key.expires_at <= now || key.expires_at > now + Duration::days(MAX_DAYS) {
        field("expiresAt", format!("give a time in the next {MAX_DAYS} days"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::Invalid(wrong)) }
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
    use crate::domain::decider::spec::given;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
    const LATER: OffsetDateTime = datetime!(2027-02-21 12:00 UTC);

    fn create(key: &ApiKeyCreated) -> ApiKeyCommand {
        ApiKeyCommand::Create { key: key.clone(), now: NOW }
    }

    #[test]
    fn a_key_is_made_once_and_revoked_once() {
        let key = key("sync", LATER);
        given::<ApiKey>(vec![]).when(create(&key)).then(vec![key.clone().into()]);
        let made: Vec<ApiKeyEvent> = vec![key.clone().into()];
        given::<ApiKey>(made.clone()).when(create(&key)).then_refused("ALREADY_EXISTS");
        given::<ApiKey>(made.clone()).when(ApiKeyCommand::Revoke).then(vec![ApiKeyRevoked {}.into()]);
        let revoked = [made, vec![ApiKeyRevoked {}.into()]].concat();
        given::<ApiKey>(revoked).when(ApiKeyCommand::Revoke).then_nothing();
    }

    #[test]
    fn a_key_has_a_name_scopes_and_an_end() {
        let whole = key("sync", LATER);
        for wrong in [
            ApiKeyCreated { name: " ".to_owned(), ..whole.clone() },
            ApiKeyCreated { scopes: Vec::new(), ..whole.clone() },
            ApiKeyCreated { expires_at: NOW, ..whole.clone() },
            ApiKeyCreated { expires_at: NOW + Duration::days(MAX_DAYS + 1), ..whole },
        ] {
            given::<ApiKey>(vec![]).when(create(&wrong)).then_refused("VALIDATION_ERROR");
        }
    }
}
