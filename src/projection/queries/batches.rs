//! Read queries for batches. A batch is a request to issue one certificate to many people.

use deadpool_postgres::GenericClient;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::filters::{Filter, Names};
use super::listing::{List, Listed, Table};
use super::{query, query_opt, row};
use crate::database::DatabaseError;

row! {
    /// Batch, without the progress of its issuances.
    pub struct BatchRow {
        /// Batch id.
        pub id: Uuid,
        /// Certificate to issue.
        pub certificate_id: Uuid,
        /// `requested` at first. `dispatched` when each person has an issuance or was refused.
        /// `cancelling` or `undoing` after a request to stop the batch, and `cancelled` or `undone`
        /// when that is complete.
        pub state: String,
        /// Number of people in the request.
        pub total: i64,
        /// Number of issuances that the batch created. Known after dispatch.
        pub requested: Option<i64>,
        /// Number of issuances that already existed. Known after dispatch.
        pub existing: Option<i64>,
        /// Number of people whose issuance was refused. Known after dispatch.
        pub refused: Option<i64>,
        /// Number of people who were skipped because the batch was stopped. Known after dispatch.
        pub left_out: Option<i64>,
        /// Import that created the list of people, if there is one.
        pub import_id: Option<Uuid>,
        /// Reason for undoing the batch, as a stable code.
        pub undo_reason: Option<String>,
        /// Time at which it was cancelled or undone.
        pub stopped_at: Option<OffsetDateTime>,
        /// Time of the first event.
        pub created_at: OffsetDateTime,
        /// Time of the last event.
        pub updated_at: OffsetDateTime,
    }
}

row! {
    /// Progress of a batch.
    pub struct ProgressRow {
        /// People whose issuance was refused: an array of `{attendeeId, code}`.
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
        /// Number of issuances whose last mail is pending.
        pub mails_pending: i64,
        /// Number of issuances whose last mail the mail server has accepted.
        pub mails_sent: i64,
        /// Number of issuances whose last mail failed or has an unknown outcome.
        pub mails_failed: i64,
        /// Number of issuances whose last mail was cancelled.
        pub mails_cancelled: i64,
    }
}

row! {
    /// Batch and its progress.
    pub struct BatchWithProgress {}
    with
    /// Columns of the batch.
    pub batch: BatchRow;
    with
    /// Progress of the certificates that the batch created.
    pub progress: ProgressRow;
}

/// Returns the batch with this id and its progress, if it exists.
///
/// # Errors
/// Fails if the database is unavailable.
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
/// Fails if the database is unavailable.
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
                  batches.updated_at",
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
