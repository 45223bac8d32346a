//! Read queries for API keys, which are credentials of programs.

use time::OffsetDateTime;
use uuid::Uuid;

use super::filters::{Filter, Names};
use super::listing::{List, Listed, Table};
use super::row;
use super::search::{contains_word, search_key};

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
        pub expires_at: OffsetDateTime,
        /// Time at which the key was revoked, or ended because its owner changed the password.
        pub revoked_at: Option<OffsetDateTime>,
        /// Time of creation.
        pub created_at: OffsetDateTime,
        /// Position of its last event. It changes with each change of the row, so it is used as
        /// entity tag.
        pub position: i64,
        /// Position of the password change that ended the key. Absent if the key was revoked or is
        /// still valid.
        pub ended_position: Option<i64>,
    }
}

/// States of an API key. A key is also `revoked` if a password change of its owner has ended it.
/// The state doesn't depend on the owner being enabled.
pub const STATE: Names = Names {
    schema: "ApiKeyStateName",
    all: &["active", "expired", "revoked"],
};

/// List of API keys.
pub const LIST: List = List {
    table: Table {
        columns: "api_keys.id, api_keys.name, api_keys.owner, api_keys.scopes, api_keys.expires_at, \
                  coalesce(api_keys.revoked_at, ended.ended_at) AS revoked_at, api_keys.created_at, \
                  api_keys.position, \
                  CASE WHEN api_keys.revoked_at IS NULL THEN ended.position END AS ended_position",
        from: "api_keys LEFT JOIN LATERAL ( \
                  SELECT key_endings.ended_at, key_endings.position FROM key_endings \
                  WHERE key_endings.user_id = api_keys.owner AND key_endings.epoch > api_keys.owner_epoch \
                  ORDER BY key_endings.epoch LIMIT 1 \
               ) AS ended ON true",
        tie: "api_keys.created_position",
    },
    noun: "ApiKeys",
    created: "api_keys.created_at",
    changed: "api_keys.position",
    texts: &[("name", search_key!("api_keys.name"))],
    filters: &[
        Filter::search(
            "Words that the name contains. Case, accents and punctuation are ignored.",
            contains_word!(search_key!("api_keys.name")),
        ),
        Filter::names(
            "state",
            STATE,
            "Only keys in these states.",
            "CASE WHEN coalesce(api_keys.revoked_at, ended.ended_at) IS NOT NULL THEN 'revoked' \
             WHEN api_keys.expires_at <= $now::timestamptz THEN 'expired' ELSE 'active' END =$$",
        ),
        Filter::ids(
            "ownerId",
            "Only keys that these users created.",
            "api_keys.owner =$$",
        ),
    ],
};

impl Listed for ApiKeyRow {
    const LIST: &'static List = &LIST;
}
