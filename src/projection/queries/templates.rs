//! Read queries of templates written by issuers.

use deadpool_postgres::GenericClient;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::filters::Filter;
use super::listing::{Conditions, List, Listed, Table};
use super::search::{contains_word, search_key};
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

/// List of templates.
pub const LIST: List = List {
    table: Table {
        columns: "templates.*",
        from: "templates",
        tie: "templates.created_position",
    },
    noun: "OwnTemplates",
    created: "templates.created_at",
    changed: "templates.position",
    texts: &[("name", search_key!("templates.name"))],
    filters: &[Filter::search(
        "Words that the name contains. Case, accents and punctuation are ignored.",
        contains_word!(search_key!("templates.name")),
    )],
};

impl Listed for TemplateRow {
    const LIST: &'static List = &LIST;
}

/// Adds the condition that a template can be chosen.
#[must_use]
pub fn present(conditions: Conditions) -> Conditions {
    conditions.and("templates.is_retired = $$::boolean", false)
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
