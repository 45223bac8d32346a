//! Read queries for designs, the uploaded images on which certificates are drawn.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::filters::{Filter, Form};
use super::listing::{Conditions, List, Listed, Table};
use super::search::{contains_word, search_key};
use super::{query_opt, row};
use crate::database::DatabaseError;

row! {
    /// Design that has not been deleted.
    pub struct DesignRow {
        /// Design id.
        pub id: Uuid,
        /// Storage key of the image.
        pub key: String,
        /// Storage key of the thumbnail.
        pub thumbnail_key: String,
        /// Organization that the design belongs to.
        pub client: String,
        /// Name of the design.
        pub name: String,
        /// Description of the design.
        pub description: Option<String>,
        /// Name of the uploaded file.
        pub original_name: String,
        /// Size of the stored image in bytes.
        pub size: i64,
        /// Media type of the stored image.
        pub mime_type: String,
        /// Width in pixels.
        pub width: i32,
        /// Height in pixels.
        pub height: i32,
        /// True if at least one certificate has used the design.
        pub in_use: bool,
        /// Time of the upload.
        pub uploaded_at: OffsetDateTime,
        /// Position of its last event. It changes with each change of the row, so it is used as
        /// entity tag.
        pub position: i64,
    }
}

/// Returns the design with this id, if it exists.
///
/// # Errors
/// Fails if the database is unavailable.
pub async fn get(
    client: &impl GenericClient,
    id: Uuid,
) -> Result<Option<DesignRow>, DatabaseError> {
    query_opt(
        client,
        include_str!("../../../projections/designs/get_design.sql"),
        &[&id],
    )
    .await
}

/// List of designs.
pub const LIST: List = List {
    table: Table {
        columns: "designs.*",
        from: "designs",
        tie: "designs.created_position",
    },
    noun: "Designs",
    created: "designs.uploaded_at",
    changed: "designs.position",
    texts: &[("name", search_key!("designs.name"))],
    filters: &[
        Filter::search(
            "Words that the name or the uploaded file's name contains. Case, accents and \
             punctuation are ignored.",
            contains_word!(search_key!(
                "(designs.name || ' ' || designs.original_name)"
            )),
        ),
        Filter::texts(
            "client",
            Form::SearchKey,
            "Only designs of these clients. Case, accents and punctuation are ignored.",
            concat!(search_key!("designs.client"), " =$$"),
        ),
        Filter::flag(
            "inUse",
            "If true, only designs that a certificate uses or has used. If false, only the others.",
            "designs.in_use = $$::boolean",
        ),
    ],
};

impl Listed for DesignRow {
    const LIST: &'static List = &LIST;
}

/// Adds the condition that a design is not deleted.
#[must_use]
pub fn present(conditions: Conditions) -> Conditions {
    conditions.and("designs.is_deleted = $$::boolean", false)
}
