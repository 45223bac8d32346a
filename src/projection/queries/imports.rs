//! Read queries for imports. An import is one uploaded file of people.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::filters::{Filter, Names};
use super::listing::{Conditions, List, Listed, Order, SortKey, Table};
use super::row;

row! {
    /// Import.
    pub struct ImportRow {
        /// Import id.
        pub id: Uuid,
        /// `requested`, `running`, `completed`, `failed`, `cancelling` or `cancelled`.
        pub state: String,
        /// `csv`, `xlsx`, `xls` or `json`.
        pub format: String,
        /// Size of the file in bytes.
        pub size: i64,
        /// Certificate for all people in the file. A row can name another one.
        pub certificate_id: Option<Uuid>,
        /// Last processed row.
        pub through_row: i64,
        /// Number of rows in the file without blank rows. Known at the end.
        pub total: Option<i64>,
        /// Number of people created so far.
        pub created: i64,
        /// Number of people updated so far.
        pub updated: i64,
        /// Number of existing people that were not changed so far.
        pub existing: i64,
        /// Number of rows about a person who has an earlier row in the file. Known at the end.
        pub repeated: Option<i64>,
        /// Number of rejected rows so far.
        pub errors: i64,
        /// Number of certificates that rows have assigned to people so far.
        pub associated: i64,
        /// Number of rows that were imported with a warning. Known at the end.
        pub warnings: Option<i64>,
        /// Number of rows that were not processed because of a cancellation. Known at the end.
        pub left_rows: Option<i64>,
        /// Storage key of the report of rejected rows. Absent after the report has expired.
        pub report_key: Option<String>,
        /// Reason why the file could not be read, as a stable code.
        pub failure_code: Option<String>,
        /// Reason why the file could not be read, and the remedy.
        pub failure_reason: Option<String>,
        /// Time at which the import was completed, failed or was cancelled.
        pub ended_at: Option<OffsetDateTime>,
        /// Time of the first event.
        pub created_at: OffsetDateTime,
        /// Time of the last event.
        pub updated_at: OffsetDateTime,
    }
}

row! {
    /// Row of a file that was rejected, or only partly accepted.
    pub struct RejectionRow {
        /// Row number as shown in spreadsheet programs. It is the cursor of the list.
        pub row_number: i64,
        /// Errors of the row: an array of `{field?, code}`.
        pub errors: Value,
    }
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

/// Table for lists of the rejected rows of one import. Use it with [`rejected_of`].
pub const REJECTIONS: Table = Table {
    columns: "import_rejections.row_number, import_rejections.errors",
    from: "import_rejections",
    tie: "import_rejections.row_number",
};
/// Order by row number.
pub const BY_ROW: Order = Order {
    key: SortKey::Position("import_rejections.row_number"),
    descending: false,
};

/// Returns the conditions for the rejected rows of one import.
#[must_use]
pub fn rejected_of(import: Uuid) -> Conditions {
    Conditions::default().and("import_rejections.import_id = $$::uuid", import)
}
