//! Read queries for designs, the uploaded images on which certificates are drawn.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, Table, folded};
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
        #[serde(with = "time::serde::rfc3339")]
        pub uploaded_at: OffsetDateTime,
        /// Position of its first event. It is the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Position of its last event. It changes with each change of the row, so it is used as
        /// entity tag.
        #[serde(skip)]
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

/// Table for lists of designs.
pub const TABLE: Table = Table {
    columns: "designs.*",
    from: "designs",
    tie: "designs.created_position",
};

/// Filter for designs that have not been deleted. All given fields must match.
#[derive(Clone, Debug, Default)]
pub struct DesignFilter {
    /// Words that the name of the design or of the uploaded file must contain.
    pub search: Option<String>,
    /// Name of the client's folder.
    pub folder: Option<String>,
}

impl DesignFilter {
    /// Returns the conditions for a list with this filter.
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
