//! Read queries for templates that issuers wrote.

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
    /// Template that can be selected.
    pub struct TemplateRow {
        /// Template id.
        pub id: Uuid,
        /// Name of the template.
        pub name: String,
        /// Version that new issuances use.
        pub active_version: i32,
        /// All versions, each with `version`, `sha256` and `size` of the source, and `addedAt` (RFC
        /// 3339).
        pub versions: Value,
        /// Time of creation.
        pub created_at: OffsetDateTime,
        /// Time of the last change.
        pub updated_at: OffsetDateTime,
        /// Position of its last event. It changes with each change of the row, so it is used as
        /// entity tag.
        pub position: i64,
    }
}

row! {
    /// Result row of [`uses`].
    pub struct Uses {
        /// Number of certificates that use the theme.
        pub uses: i64,
    }
}

/// Returns the template with this id, if it exists.
///
/// # Errors
/// Fails if the database is unavailable.
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

/// Returns the number of certificates that use a theme, for example `own:6f2d41c8-…`.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn uses(client: &impl GenericClient, theme: &str) -> Result<i64, DatabaseError> {
    let sql = include_str!("../../../projections/templates/count_uses.sql");
    Ok(query_opt::<Uses>(client, sql, &[&theme])
        .await?
        .map_or(0, |row| row.uses))
}
