//! Read queries for API keys, which are credentials of programs.

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
        /// Names of the key's scopes.
        pub scopes: Vec<String>,
        /// Expiry of the key.
        #[serde(with = "time::serde::rfc3339")]
        pub expires_at: OffsetDateTime,
        /// Time at which the key was revoked, or ended because its owner changed the password.
        #[serde(with = "time::serde::rfc3339::option")]
        pub revoked_at: Option<OffsetDateTime>,
        /// Time of creation.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// Position of its first event. It is the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Position of its last event. It changes with each change of the row, so it is used as
        /// entity tag.
        #[serde(skip)]
        pub position: i64,
        /// Position of the password change that ended the key. Absent if the key was revoked or is
        /// still valid.
        #[serde(skip)]
        pub ended_position: Option<i64>,
    }
}

/// Returns the API key with this id, if it exists.
///
/// # Errors
/// Fails if the database is unavailable.
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

/// Table for lists of API keys.
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

/// SQL condition for keys that are not revoked and that no password change has ended.
macro_rules! in_force {
    () => {
        "(api_keys.revoked_at IS NULL AND ended.ended_at IS NULL)"
    };
}

/// State of an API key. It doesn't depend on the state of the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Not revoked and not expired.
    Active,
    /// Expired and not revoked.
    Expired,
    /// Revoked, or ended because the owner changed the password.
    Revoked,
}

/// Filter for API keys. All given fields must match.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyFilter {
    /// Words that the name must contain.
    pub search: Option<String>,
    /// State of the key.
    pub state: Option<KeyState>,
}

impl ApiKeyFilter {
    /// Returns the conditions for a list at time `now`.
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
