//! API keys: what programs log in with.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, Table, folded};
use super::{query_opt, row};
use crate::database::DatabaseError;

row! {
    /// An API key, without its secret, which is nowhere.
    pub struct ApiKeyRow {
        /// The key's id.
        pub id: Uuid,
        /// What it is for.
        pub name: String,
        /// Whoever made it.
        pub owner: Uuid,
        /// What it may, by names of scopes.
        pub scopes: Vec<String>,
        /// Until when it counts.
        #[serde(with = "time::serde::rfc3339")]
        pub expires_at: OffsetDateTime,
        /// When it was revoked, if it was.
        #[serde(with = "time::serde::rfc3339::option")]
        pub revoked_at: Option<OffsetDateTime>,
        /// When it was made.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// Its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Its last event; changes with every change of the row, so it makes an ETag.
        #[serde(skip)]
        pub position: i64,
    }
}

/// One API key.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<ApiKeyRow>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/api_keys/get_api_key.sql"), &[&id]).await
}

/// Where API keys are listed from.
pub const TABLE: Table = Table { columns: "api_keys.*", from: "api_keys", tie: "api_keys.created_position" };

/// Whether a key counts, as far as its own history says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It was not revoked, and its time is not over.
    Active,
    /// Its time is over, and it was not revoked.
    Expired,
    /// It was revoked.
    Revoked,
}

/// Which API keys; those that meet all that is given.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyFilter {
    /// Words that the name contains.
    pub search: Option<String>,
    /// In this state.
    pub state: Option<KeyState>,
}

impl ApiKeyFilter {
    /// The same for a list, at this time.
    #[must_use]
    pub fn conditions(self, now: OffsetDateTime) -> Conditions {
        let found = Conditions::default().words(
            concat!("strpos(", folded!("api_keys.name"), ", ", folded!("$$::text"), ") > 0"),
            self.search.as_deref(),
        );
        match self.state {
            None => found,
            Some(KeyState::Active) => {
                found.now("api_keys.revoked_at IS NULL AND api_keys.expires_at > $$::timestamptz", now)
            }
            Some(KeyState::Expired) => {
                found.now("api_keys.revoked_at IS NULL AND api_keys.expires_at <= $$::timestamptz", now)
            }
            Some(KeyState::Revoked) => found.and("(api_keys.revoked_at IS NOT NULL) = $$::boolean", true),
        }
    }
}
