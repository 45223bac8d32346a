//! Imports: one uploaded file of people each.

use deadpool_postgres::GenericClient;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::listing::{Conditions, Order, SortKey, Table};
use super::{query_opt, row};
use crate::database::DatabaseError;

row! {
    /// An import.
    pub struct ImportRow {
        /// The import's id.
        pub id: Uuid,
        /// `requested`, `running`, `completed`, `failed`, `cancelling` or `cancelled`.
        pub state: String,
        /// Where the file is stored until it expires.
        pub object_key: String,
        /// `csv`, `xlsx`, `xls` or `json`.
        pub format: String,
        /// SHA-256 of the file, 64 hex digits.
        pub sha256: String,
        /// The file's size in bytes.
        pub size: i64,
        /// Whether people who are known already are changed.
        pub update_existing: bool,
        /// What everybody in the file earns, unless the row says otherwise.
        pub certificate_id: Option<Uuid>,
        /// The last row that is dealt with.
        pub through_row: i64,
        /// Rows in the file, blank ones not counted; known at the end.
        pub total: Option<i64>,
        /// People created so far.
        pub created: i64,
        /// People changed so far.
        pub updated: i64,
        /// People who were known and stay as they were, so far.
        pub existing: i64,
        /// Rows about a person whom an earlier row is about; known at the end.
        pub repeated: Option<i64>,
        /// Rows rejected so far.
        pub errors: i64,
        /// Certificates that people get, so far.
        pub associated: i64,
        /// Rows that were left because it was cancelled; known at the end.
        pub left_rows: Option<i64>,
        /// Where the rejected rows with their reasons are stored until they expire.
        pub report_key: Option<String>,
        /// Why the file could not be read on: a stable code.
        pub failure_code: Option<String>,
        /// Why the file could not be read on, and what to do.
        pub failure_reason: Option<String>,
        /// When it ended, well or not.
        #[serde(with = "time::serde::rfc3339::option")]
        pub ended_at: Option<OffsetDateTime>,
        /// When its first event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// When its last event was appended.
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
    /// A row of a file that was not taken over, or only in part.
    pub struct RejectionRow {
        /// The row's number as a spreadsheet program shows it; the cursor of the list.
        pub row_number: i64,
        /// What is wrong: an array of `{field?, code}`.
        pub errors: Value,
    }
}

/// One import.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<ImportRow>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/imports/get_import.sql"), &[&id]).await
}

/// Where imports are listed from.
pub const TABLE: Table = Table { columns: "imports.*", from: "imports", tie: "imports.created_position" };

/// Which imports; those that meet all that is given.
#[derive(Clone, Debug, Default)]
pub struct ImportFilter {
    /// In this state.
    pub state: Option<&'static str>,
    /// Whose people earn this certificate, unless their row says otherwise.
    pub certificate_id: Option<Uuid>,
    /// Of a file of this format.
    pub format: Option<&'static str>,
    /// Uploaded since this moment.
    pub created_after: Option<OffsetDateTime>,
    /// Uploaded before this moment.
    pub created_before: Option<OffsetDateTime>,
}

impl ImportFilter {
    /// The same for a list.
    #[must_use]
    pub fn conditions(self) -> Conditions {
        Conditions::default()
            .maybe("imports.state = $$::text", self.state)
            .maybe("imports.certificate_id = $$::uuid", self.certificate_id)
            .maybe("imports.format = $$::text", self.format)
            .maybe("imports.created_at >= $$::timestamptz", self.created_after)
            .maybe("imports.created_at < $$::timestamptz", self.created_before)
    }
}

/// Where the rejected rows of one import are listed from, with [`rejected_of`].
pub const REJECTIONS: Table = Table {
    columns: "import_rejections.row_number, import_rejections.errors",
    from: "import_rejections",
    tie: "import_rejections.row_number",
};
/// In the file's order.
pub const BY_ROW: Order = Order { key: SortKey::Position("import_rejections.row_number"), descending: false };

/// The rejected rows of one import.
#[must_use]
pub fn rejected_of(import: Uuid) -> Conditions {
    Conditions::default().and("import_rejections.import_id = $$::uuid", import)
}
