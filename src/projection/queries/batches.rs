//! Batches: one request to issue a certificate for many people each.

use deadpool_postgres::GenericClient;
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::listing::{Conditions, Table};
use super::{FromRow, query, query_opt, row};
use crate::database::DatabaseError;

row! {
    /// A batch, without how far its issuances are.
    pub struct BatchRow {
        /// The batch's id.
        pub id: Uuid,
        /// What people earn.
        pub certificate_id: Uuid,
        /// `requested`; `dispatched` once everybody has an issuance or was refused; `cancelling`,
        /// `cancelled`, `undoing` or `undone` once that was asked for or done.
        pub state: String,
        /// People named.
        pub total: i64,
        /// Issuances that it made; known once dispatched.
        pub requested: Option<i64>,
        /// Issuances that existed before; known once dispatched.
        pub existing: Option<i64>,
        /// People for whom nothing could be issued; known once dispatched.
        pub refused: Option<i64>,
        /// People left because it was stopped; known once dispatched.
        pub left_out: Option<i64>,
        /// The import whose people these are.
        pub import_id: Option<Uuid>,
        /// Why it was undone: a stable code.
        pub undo_reason: Option<String>,
        /// When it was cancelled or undone.
        #[serde(with = "time::serde::rfc3339::option")]
        pub stopped_at: Option<OffsetDateTime>,
        /// When its first event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub created_at: OffsetDateTime,
        /// When its last event was appended.
        #[serde(with = "time::serde::rfc3339")]
        pub updated_at: OffsetDateTime,
        /// Its first event; the cursor of lists.
        #[serde(skip)]
        pub created_position: i64,
        /// Its last event.
        #[serde(skip)]
        pub position: i64,
    }
}

row! {
    /// How far a batch is.
    pub struct ProgressRow {
        /// People for whom nothing could be issued: an array of `{attendeeId, code}`.
        pub refusals: Value,
        /// Issuances that it made so far.
        pub issued: i64,
        /// PDFs made.
        pub generated: i64,
        /// PDFs that could not be made.
        pub generation_failed: i64,
        /// Issuances that are revoked.
        pub revoked: i64,
        /// Issuances that have neither a PDF nor are revoked.
        pub without_pdf: i64,
        /// Issuances whose latest mail waits.
        pub mails_pending: i64,
        /// Issuances whose latest mail a server took.
        pub mails_sent: i64,
        /// Issuances whose latest mail was given up, or has an unknown outcome.
        pub mails_failed: i64,
        /// Issuances whose latest mail was cancelled.
        pub mails_cancelled: i64,
    }
}

/// A batch and how far it is.
#[derive(Clone, Debug, Serialize)]
pub struct BatchWithProgress {
    /// The batch.
    #[serde(flatten)]
    pub batch: BatchRow,
    /// How far it is.
    #[serde(flatten)]
    pub progress: ProgressRow,
}

impl FromRow for BatchWithProgress {
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self { batch: BatchRow::from_row(row)?, progress: ProgressRow::from_row(row)? })
    }
}

/// One batch and how far it is.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<BatchWithProgress>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/batches/get_batch.sql"), &[&id]).await
}

/// The first batches of an import and their progress, oldest first.
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

/// Where batches are listed from: without whom they refused, who may be many.
pub const TABLE: Table = Table {
    columns: "batches.id, batches.certificate_id, batches.state, batches.total, batches.requested, \
              batches.existing, batches.refused, batches.left_out, batches.import_id, batches.undo_reason, batches.stopped_at, \
              batches.created_at, batches.updated_at, batches.created_position, batches.position",
    from: "batches",
    tie: "batches.created_position",
};

/// Which batches; those that meet all that is given.
#[derive(Clone, Debug, Default)]
pub struct BatchFilter {
    /// Of this certificate.
    pub certificate_id: Option<Uuid>,
    /// In this state.
    pub state: Option<&'static str>,
    /// Of this import.
    pub import_id: Option<Uuid>,
}

impl BatchFilter {
    /// The same for a list.
    #[must_use]
    pub fn conditions(self) -> Conditions {
        Conditions::default()
            .maybe("batches.certificate_id = $$::uuid", self.certificate_id)
            .maybe("batches.state = $$::text", self.state)
            .maybe("batches.import_id = $$::uuid", self.import_id)
    }
}
