//! Read queries of API keys, the credentials of programs.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, Table, folded};
use super::{query_opt, row};
use crate::database::DatabaseError;

row! {
    /// API key. Its secret is not stored.
    pub struct ApiKeyRow {
        /// Key id.
        pub id: Uuid,
        /// Name of the key, which describes its use.
        pub name: String,
        /// User who created it.
        pub owner: Uuid,
        /// Names of the scopes that it has.
        pub scopes: Vec<String>,
        /// Expiry of the key.
        #[serde(with = "time::serde::rfc3339")]
        pub expires_at: OffsetDateTime,
        /// Time at which it was revoked, or ended by a password change of its owner.
        #[serde(with = "time::serde::rfc3339::option")]
        pub revoked_at: Option<OffsetDateTime>,
        /// Time of creation.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// Position of its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Position of its last event. Each change of the row changes it, so it is used as entity
        /// tag.
        #[serde(skip)]
        pub position: i64,
        /// Position of the owner's password change that ended it; absent if it was revoked or not
        /// ended.
        #[serde(skip)]
        pub ended_position: Option<i64>,
    }
}

/// Returns the API key with this id, if any.
///
/// # Errors
/// The database is not available.
pub async fn get(
    client: &impl GenericClient,
    id: Uuid,
) -> Result<Option<ApiKeyRow>, DatabaseError> {
    query_opt(
        client,
        include_str!("../../../projections/api_keys/get_api_key.sql"),
        &[&id],
    )
    .await
}

/// Source of lists of API keys.
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

/// SQL condition for keys that were neither revoked nor ended by a password change.
macro_rules! in_force {
    () => {
        "(api_keys.revoked_at IS NULL AND ended.ended_at IS NULL)"
    };
}

/// State of an API key, apart from the state of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Not revoked and not expired.
    Active,
    /// Expired and not revoked.
    Expired,
    /// Revoked, or ended by a password change of its owner.
    Revoked,
}

/// Filter for API keys. All given fields must match.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyFilter {
    /// Words contained in the name.
    pub search: Option<String>,
    /// State of the key.
    pub state: Option<KeyState>,
}

impl ApiKeyFilter {
    /// Returns the conditions for a list at the time `now`.
    #[must_use]
    pub fn conditions(self, now: OffsetDateTime) -> Conditions {
        let found = Conditions::default().words(
            concat!(
                "strpos(",
                folded!("api_keys.name"),
                ", ",
                folded!("$$::text"),
                ") > 0"
            ),
            self.search.as_deref(),
        );
        match self.state {
            None => found,
            Some(KeyState::Active) => found.now(
                concat!(in_force!(), " AND api_keys.expires_at > $$::timestamptz"),
                now,
            ),
            Some(KeyState::Expired) => found.now(
                concat!(in_force!(), " AND api_keys.expires_at <= $$::timestamptz"),
                now,
            ),
            Some(KeyState::Revoked) => {
                found.and(concat!("NOT (", in_force!(), ") = $$::boolean"), true)
            }
        }
    }
}
