//! Read queries of imports. An import is one uploaded file of people.

use deadpool_postgres::GenericClient;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::filters::{Filter, Names};
use super::listing::{Conditions, List, Listed, Order, SortKey, Table};
use super::{query_opt, row};
use crate::database::DatabaseError;

row! {
    /// Import.
    pub struct ImportRow {
        /// Import id.
        pub id: Uuid,
        /// `requested`, `running`, `completed`, `failed`, `cancelling` or `cancelled`.
        pub state: String,
        /// Storage key of the file, until the file expires.
        pub object_key: String,
        /// `csv`, `xlsx`, `xls` or `json`.
        pub format: String,
        /// SHA-256 of the file, 64 hex digits.
        pub sha256: String,
        /// Size of the file in bytes.
        pub size: i64,
        /// True if existing people are updated.
        pub update_existing: bool,
        /// Certificate for all people in the file, unless the row names another.
        pub certificate_id: Option<Uuid>,
        /// Last processed row.
        pub through_row: i64,
        /// Number of rows in the file without blank rows; known at the end.
        pub total: Option<i64>,
        /// Number of people created so far.
        pub created: i64,
        /// Number of people updated so far.
        pub updated: i64,
        /// Number of existing people left unchanged so far.
        pub existing: i64,
        /// Number of rows about a person who has an earlier row; known at the end.
        pub repeated: Option<i64>,
        /// Number of rows rejected so far.
        pub errors: i64,
        /// Number of certificates earned by the rows so far.
        pub associated: i64,
        /// Number of rows imported with a warning; known at the end.
        pub warnings: Option<i64>,
        /// Number of rows not processed because of a cancellation; known at the end.
        pub left_rows: Option<i64>,
        /// Storage key of the report of rejected rows, until the report expires.
        pub report_key: Option<String>,
        /// Reason why reading the file failed, as a stable code.
        pub failure_code: Option<String>,
        /// Reason why reading the file failed, and the remedy.
        pub failure_reason: Option<String>,
        /// Time of the end, whether completed, failed or cancelled.
        #[serde(with = "time::serde::rfc3339::option")]
        pub ended_at: Option<OffsetDateTime>,
        /// Time at which its first event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// Time at which its last event was appended.
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
    /// Row of a file that was rejected, or accepted only in part.
    pub struct RejectionRow {
        /// Number of the row as shown by spreadsheet programs; the cursor of the list.
        pub row_number: i64,
        /// Errors of the row: an array of `{field?, code}`.
        pub errors: Value,
    }
}

/// Returns the import with this id, if any.
///
/// # Errors
/// The database is not available.
pub async fn get(
    client: &impl GenericClient,
    id: Uuid,
) -> Result<Option<ImportRow>, DatabaseError> {
    query_opt(
        client,
        include_str!("../../../projections/imports/get_import.sql"),
        &[&id],
    )
    .await
}

/// States of an import.
pub const STATE: Names = Names {
    schema: "ImportStateName",
    all: &[
        "requested",
        "running",
        "completed",
        "failed",
        "cancelling",
        "cancelled",
    ],
};
/// Formats of imported files.
pub const FORMAT: Names = Names {
    schema: "ImportFormatName",
    all: &["csv", "xlsx", "xls", "json"],
};

/// List of imports.
pub const LIST: List = List {
    table: Table {
        columns: "imports.*",
        from: "imports",
        tie: "imports.created_position",
    },
    noun: "Imports",
    created: "imports.created_at",
    changed: "imports.position",
    texts: &[],
    filters: &[
        Filter::names(
            "state",
            STATE,
            "Only imports in these states.",
            "imports.state =$$",
        ),
        Filter::ids(
            "certificateId",
            "Only imports that issue these certificates to people whose row names no other one.",
            "imports.certificate_id =$$",
        ),
        Filter::names(
            "format",
            FORMAT,
            "Only imports of files in these formats.",
            "imports.format =$$",
        ),
    ],
};

impl Listed for ImportRow {
    const LIST: &'static List = &LIST;
}

/// Source of lists of the rejected rows of one import; used with [`rejected_of`].
pub const REJECTIONS: Table = Table {
    columns: "import_rejections.row_number, import_rejections.errors",
    from: "import_rejections",
    tie: "import_rejections.row_number",
};
/// Order of the file.
pub const BY_ROW: Order = Order {
    key: SortKey::Position("import_rejections.row_number"),
    descending: false,
};

/// Returns the conditions for the rejected rows of one import.
#[must_use]
pub fn rejected_of(import: Uuid) -> Conditions {
    Conditions::default().and("import_rejections.import_id = $$::uuid", import)
}
