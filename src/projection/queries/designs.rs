//! Designs: uploaded images that certificates are drawn on.

use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, Table, folded};
use super::{query_opt, row};
use crate::database::DatabaseError;

row! {
    /// A design that is there.
    pub struct DesignRow {
        /// The design's id.
        pub id: Uuid,
        /// Where the image is stored.
        pub key: String,
        /// Where the small image is stored.
        pub thumbnail_key: String,
        /// The organisation whose design it is.
        pub client: String,
        /// What it is called.
        pub name: String,
        /// What was said of it.
        pub description: Option<String>,
        /// The name of the uploaded file.
        pub original_name: String,
        /// The stored image's size in bytes.
        pub size: i64,
        /// What is stored.
        pub mime_type: String,
        /// Pixels across.
        pub width: i32,
        /// Pixels down.
        pub height: i32,
        /// Whether a certificate was drawn on it.
        pub in_use: bool,
        /// When it was uploaded.
        #[serde(with = "time::serde::rfc3339")]
        pub uploaded_at: OffsetDateTime,
        /// Its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Its last event; changes with every change of the row, so it makes an ETag.
        #[serde(skip)]
        pub position: i64,
    }
}

/// One design.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<DesignRow>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/designs/get_design.sql"), &[&id]).await
}

/// Where designs are listed from.
pub const TABLE: Table = Table { columns: "designs.*", from: "designs", tie: "designs.created_position" };

/// Which designs that are there; those that meet all that is given.
#[derive(Clone, Debug, Default)]
pub struct DesignFilter {
    /// Words that the name or the uploaded file's name contain.
    pub search: Option<String>,
    /// In this client's folders, by the folder's name.
    pub folder: Option<String>,
}

impl DesignFilter {
    /// The same for a list.
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
