//! Read queries of templates written by issuers.

use deadpool_postgres::GenericClient;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, Table, folded};
use super::{query_opt, row};
use crate::database::DatabaseError;

row! {
    /// Template that can be chosen.
    pub struct TemplateRow {
        /// Template id.
        pub id: Uuid,
        /// Name of the template.
        pub name: String,
        /// Version used for new issuances.
        pub active_version: i32,
        /// All versions: `version`, `sha256` and `size` of the source, `addedAt` (RFC 3339).
        pub versions: Value,
        /// Time of creation.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// Time of the last change.
        #[serde(with = "time::serde::rfc3339")]
        pub updated_at: OffsetDateTime,
        /// Position of its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Position of its last event. Each change of the row changes it, so it is used as entity
        /// tag.
        #[serde(skip)]
        pub position: i64,
    }
}

row! {
    /// Number of certificates.
    pub struct Uses {
        /// Number of certificates.
        pub uses: i64,
    }
}

/// Returns the template with this id, if any.
///
/// # Errors
/// The database is not available.
pub async fn get(
    client: &impl GenericClient,
    id: Uuid,
) -> Result<Option<TemplateRow>, DatabaseError> {
    query_opt(
        client,
        include_str!("../../../projections/templates/get_template.sql"),
        &[&id],
    )
    .await
}

/// Source of lists of templates.
pub const TABLE: Table = Table {
    columns: "templates.*",
    from: "templates",
    tie: "templates.created_position",
};

/// Returns the conditions for templates that can be chosen and, if `search` is given, have its
/// words in their name.
#[must_use]
pub fn present(search: Option<&str>) -> Conditions {
    Conditions::default()
        .and("templates.is_retired = $$::boolean", false)
        .words(
            concat!(
                "strpos(",
                folded!("templates.name"),
                ", ",
                folded!("$$::text"),
                ") > 0"
            ),
            search,
        )
}

/// Returns the number of certificates that use a theme, such as `own:6f2d41c8-…`.
///
/// # Errors
/// The database is not available.
pub async fn uses(client: &impl GenericClient, theme: &str) -> Result<i64, DatabaseError> {
    let sql = include_str!("../../../projections/templates/count_uses.sql");
    Ok(query_opt::<Uses>(client, sql, &[&theme])
        .await?
        .map_or(0, |row| row.uses))
}
