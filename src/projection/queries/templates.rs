//! Templates that issuers wrote.

use deadpool_postgres::GenericClient;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, Table, folded};
use super::{query_opt, row};
use crate::database::DatabaseError;

row! {
    /// A template that can be chosen.
    pub struct TemplateRow {
        /// The template's id.
        pub id: Uuid,
        /// What it is called.
        pub name: String,
        /// The version that draws new issuances.
        pub active_version: i32,
        /// Each version: `version`, `sha256` and `size` of its source, `addedAt` (RFC 3339).
        pub versions: Value,
        /// When it was created.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// When it last changed.
        #[serde(with = "time::serde::rfc3339")]
        pub updated_at: OffsetDateTime,
        /// Its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Its last event; changes with every change of the row, so it makes an ETag.
        #[serde(skip)]
        pub position: i64,
    }
}

row! {
    /// A number of certificates.
    pub struct Uses {
        /// How many.
        pub uses: i64,
    }
}

/// One template.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<TemplateRow>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/templates/get_template.sql"), &[&id]).await
}

/// Where templates are listed from.
pub const TABLE: Table =
    Table { columns: "templates.*", from: "templates", tie: "templates.created_position" };

/// Templates that can be chosen; those whose name contains these words, if any are given.
#[must_use]
pub fn present(search: Option<&str>) -> Conditions {
    Conditions::default()
        .and("templates.is_retired = $$::boolean", false)
        .words(concat!("strpos(", folded!("templates.name"), ", ", folded!("$$::text"), ") > 0"), search)
}

/// How many certificates are drawn by a theme, such as `own:6f2d41c8-…`.
///
/// # Errors
/// The database is not available.
pub async fn uses(client: &impl GenericClient, theme: &str) -> Result<i64, DatabaseError> {
    let sql = include_str!("../../../projections/templates/count_uses.sql");
    Ok(query_opt::<Uses>(client, sql, &[&theme]).await?.map_or(0, |row| row.uses))
}
