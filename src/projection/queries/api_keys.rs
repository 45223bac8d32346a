//! API keys: what programs log in with.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Listed, Page, query, query_opt, row};
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

/// API keys, newest first.
///
/// # Errors
/// The database is not available.
pub async fn list(client: &impl GenericClient, page: Page) -> Result<Listed<ApiKeyRow>, DatabaseError> {
    let sql = include_str!("../../../projections/api_keys/list_api_keys.sql");
    let rows = query(client, sql, &[&page.after, &page.fetch()]).await?;
    Ok(page.listed(rows, |row: &ApiKeyRow| row.created_position))
}
