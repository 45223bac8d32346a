//! API keys: credentials of programs.

pub mod read;
pub mod write;

use std::collections::HashMap;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::database::DatabaseError;
use crate::domain::ApiKeyId;
use crate::domain::accounts::api_key::ApiKeyCreated;
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::api_keys::ApiKeyRow;

/// An API key. Its secret was shown only once, in the response that created the key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyAnswer {
    /// Id of the key. The key itself also contains this id.
    pub id: Uuid,
    /// Purpose of the key.
    #[schema(example = "Nightly import")]
    pub name: String,
    /// Id of the user who created the key. The key grants a permission only if its scopes include
    /// it and this user has it.
    pub owner_id: Uuid,
    /// Scopes of the key.
    #[schema(example = json!(["attendees:read", "attendees:import"]))]
    pub scopes: Vec<String>,
    /// Expiry time (RFC 3339).
    #[schema(example = "2027-02-19T12:00:00Z")]
    pub expires_at: Timestamp,
    /// Time at which the key was revoked, or ended by a new password of its owner (RFC 3339). Null
    /// if neither has happened.
    pub revoked_at: Option<Timestamp>,
    /// Time of the last use, accurate to 5 minutes (RFC 3339); null if never used.
    pub last_used_at: Option<Timestamp>,
    /// Time of creation (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    pub created_at: Timestamp,
}

impl ApiKeyAnswer {
    fn of_new(id: ApiKeyId, key: ApiKeyCreated, created_at: OffsetDateTime) -> Self {
        Self {
            id: id.0,
            name: key.name,
            owner_id: key.owner.0,
            scopes: key.scopes,
            expires_at: Timestamp(key.expires_at),
            revoked_at: None,
            last_used_at: None,
            created_at: Timestamp(created_at),
        }
    }

    fn of_row(row: ApiKeyRow, last_uses: &HashMap<Uuid, OffsetDateTime>) -> Self {
        Self {
            id: row.id,
            name: row.name,
            owner_id: row.owner,
            scopes: row.scopes,
            expires_at: Timestamp(row.expires_at),
            revoked_at: row.revoked_at.map(Timestamp),
            last_used_at: last_uses.get(&row.id).copied().map(Timestamp),
            created_at: Timestamp(row.created_at),
        }
    }
}

/// Returns the time of the last use by key id. Keys that were never used are not in the map.
async fn last_uses(
    http: &HttpState,
    database: &deadpool_postgres::Client,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, OffsetDateTime>, ApiError> {
    let sql = format!(
        "SELECT api_key_id, last_used_at FROM \"{}\".api_key_uses WHERE api_key_id = ANY($1)",
        http.meta_schema
    );
    let rows = database
        .query(&sql, &[&ids])
        .await
        .map_err(DatabaseError::from)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
