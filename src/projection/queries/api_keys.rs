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
        /// When it was revoked or ended by a new password of its owner, if it was.
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
        /// The owner's new password that ended it, if one did and it was not revoked.
        #[serde(skip)]
        pub ended_position: Option<i64>,
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
pub const TABLE: Table = Table {
    columns: "api_keys.id, api_keys.name, api_keys.owner, api_keys.scopes, api_keys.expires_at, \
              coalesce(api_keys.revoked_at, ended.ended_at) AS revoked_at, api_keys.created_at, \
              api_keys.created_position, api_keys.position, \
              CASE WHEN api_keys.revoked_at IS NULL THEN ended.position END AS ended_position",
    from: "api_keys LEFT JOIN LATERAL ( \
              SELECT key_endings.ended_at, key_endings.position FROM key_endings \
              WHERE key_endings.user_id = api_keys.owner AND key_endings.epoch > api_keys.owner_epoch \
              ORDER BY key_endings.epoch LIMIT 1 \
           ) AS ended ON true",
    tie: "api_keys.created_position",
};

/// True for keys that were neither revoked nor ended by a new password.
macro_rules! in_force {
    () => {
        "(api_keys.revoked_at IS NULL AND ended.ended_at IS NULL)"
    };
}

/// Whether a key counts, as far as its own history says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It was not revoked, and its time is not over.
    Active,
    /// Its time is over, and it was not revoked.
    Expired,
    /// It was revoked, or ended by a new password of its owner.
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
                found.now(concat!(in_force!(), " AND api_keys.expires_at > $$::timestamptz"), now)
            }
            Some(KeyState::Expired) => {
                found.now(concat!(in_force!(), " AND api_keys.expires_at <= $$::timestamptz"), now)
            }
            Some(KeyState::Revoked) => found.and(concat!("NOT (", in_force!(), ") = $$::boolean"), true),
        }
    }
}
