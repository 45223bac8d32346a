//! Read queries of batches. A batch is a request to issue one certificate to many people.

use deadpool_postgres::GenericClient;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::filters::{Filter, Names};
use super::listing::{List, Listed, Table};
use super::{FromRow, query, query_opt, row};
use crate::database::DatabaseError;

row! {
    /// Batch, without the progress of its issuances.
    pub struct BatchRow {
        /// Batch id.
        pub id: Uuid,
        /// Certificate to issue.
        pub certificate_id: Uuid,
        /// `requested`; `dispatched` when each person has an issuance or was refused; `cancelling`
        /// and `undoing` after a request to stop; `cancelled` and `undone` when that is done.
        pub state: String,
        /// Number of people in the request.
        pub total: i64,
        /// Number of issuances that the batch created; known once dispatched.
        pub requested: Option<i64>,
        /// Number of issuances that existed before; known once dispatched.
        pub existing: Option<i64>,
        /// Number of people for whom the issuance was refused; known once dispatched.
        pub refused: Option<i64>,
        /// Number of people left out because the batch was stopped; known once dispatched.
        pub left_out: Option<i64>,
        /// Import that the people come from, if any.
        pub import_id: Option<Uuid>,
        /// Reason for undoing it, as a stable code.
        pub undo_reason: Option<String>,
        /// Time at which it was cancelled or undone.
        #[serde(with = "time::serde::rfc3339::option")]
        pub stopped_at: Option<OffsetDateTime>,
        /// Time at which its first event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// Time at which its last event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub updated_at: OffsetDateTime,
        /// Position of its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Position of its last event.
        #[serde(skip)]
        pub position: i64,
    }
}

row! {
    /// Progress of a batch.
    pub struct ProgressRow {
        /// People for whom the issuance was refused: an array of `{attendeeId, code}`.
        pub refusals: Value,
        /// Number of issuances created so far.
        pub issued: i64,
        /// Number of PDFs generated.
        pub generated: i64,
        /// Number of PDFs that could not be generated.
        pub generation_failed: i64,
        /// Number of revoked issuances.
        pub revoked: i64,
        /// Number of issuances that have no PDF and are not revoked.
        pub without_pdf: i64,
        /// Number of issuances whose latest mail is pending.
        pub mails_pending: i64,
        /// Number of issuances whose latest mail was accepted by the mail server.
        pub mails_sent: i64,
        /// Number of issuances whose latest mail failed or has an unknown outcome.
        pub mails_failed: i64,
        /// Number of issuances whose latest mail was cancelled.
        pub mails_cancelled: i64,
    }
}

/// Batch with its progress.
#[derive(Clone, Debug, Serialize)]
pub struct BatchWithProgress {
    /// Batch.
    #[serde(flatten)]
    pub batch: BatchRow,
    /// Progress of the batch.
    #[serde(flatten)]
    pub progress: ProgressRow,
}

impl FromRow for BatchWithProgress {
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            batch: BatchRow::from_row(row)?,
            progress: ProgressRow::from_row(row)?,
        })
    }
}

/// Returns the batch with this id and its progress, if any.
///
/// # Errors
/// The database is not available.
pub async fn get(
    client: &impl GenericClient,
    id: Uuid,
) -> Result<Option<BatchWithProgress>, DatabaseError> {
    query_opt(
        client,
        include_str!("../../../projections/batches/get_batch.sql"),
        &[&id],
    )
    .await
}

/// Returns the first `most` batches of an import with their progress, oldest first.
///
/// # Errors
/// The database is not available.
pub async fn of_import(
    client: &impl GenericClient,
    import: Uuid,
    most: i64,
) -> Result<Vec<BatchWithProgress>, DatabaseError> {
    let sql = include_str!("../../../projections/batches/get_batches_of_import.sql");
    query(client, sql, &[&import, &most]).await
}

/// States of a batch.
pub const STATE: Names = Names {
    schema: "BatchStateName",
    all: &[
        "requested",
        "dispatched",
        "cancelling",
        "cancelled",
        "undoing",
        "undone",
    ],
};

/// List of batches. Leaves out the refusals, which may be many.
pub const LIST: List = List {
    table: Table {
        columns: "batches.id, batches.certificate_id, batches.state, batches.total, \
                  batches.requested, batches.existing, batches.refused, batches.left_out, \
                  batches.import_id, batches.undo_reason, batches.stopped_at, batches.created_at, \
                  batches.updated_at, batches.created_position, batches.position",
        from: "batches",
        tie: "batches.created_position",
    },
    noun: "Batches",
    created: "batches.created_at",
    changed: "batches.position",
    texts: &[],
    filters: &[
        Filter::ids(
            "certificateId",
            "Only batches of these certificates.",
            "batches.certificate_id =$$",
        ),
        Filter::ids(
            "importId",
            "Only batches of these imports.",
            "batches.import_id =$$",
        ),
        Filter::names(
            "state",
            STATE,
            "Only batches in these states.",
            "batches.state =$$",
        ),
    ],
};

impl Listed for BatchRow {
    const LIST: &'static List = &LIST;
}
