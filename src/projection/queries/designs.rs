//! Read queries of designs, the uploaded images that certificates are drawn on.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, Table, folded};
use super::{query_opt, row};
use crate::database::DatabaseError;

row! {
    /// Design that is not deleted.
    pub struct DesignRow {
        /// Design id.
        pub id: Uuid,
        /// Storage key of the image.
        pub key: String,
        /// Storage key of the thumbnail.
        pub thumbnail_key: String,
        /// Organisation that the design belongs to.
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
        /// True if a certificate has used it.
        pub in_use: bool,
        /// Time of the upload.
        #[serde(with = "time::serde::rfc3339")]
        pub uploaded_at: OffsetDateTime,
        /// Position of its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Position of its last event. Each change of the row changes it, so it is used as entity
        /// tag.
        #[serde(skip)]
        pub position: i64,
    }
}

/// Returns the design with this id, if any.
///
/// # Errors
/// The database is not available.
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

/// Source of lists of designs.
pub const TABLE: Table = Table {
    columns: "designs.*",
    from: "designs",
    tie: "designs.created_position",
};

/// Filter for designs that are not deleted. All given fields must match.
#[derive(Clone, Debug, Default)]
pub struct DesignFilter {
    /// Words contained in the name of the design or of the uploaded file.
    pub search: Option<String>,
    /// Name of the client's folder.
    pub folder: Option<String>,
}

impl DesignFilter {
    /// Returns the conditions of a list with this filter.
    #[must_use]
    pub fn conditions(self) -> Conditions {
        Conditions::default()
            .and("designs.is_deleted = $$::boolean", false)
            .maybe("designs.folder = $$::text", self.folder)
            .words(
                concat!(
                    "strpos(",
                    folded!("(designs.name || ' ' || designs.original_name)"),
                    ", ",
                    folded!("$$::text"),
                    ") > 0"
                ),
                self.search.as_deref(),
            )
    }
}
