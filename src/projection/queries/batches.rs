//! Batches: one request to issue a certificate for many people each.

use deadpool_postgres::GenericClient;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Listed, Page, query, query_opt, row};
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
    /// A batch and how far it is.
    pub struct BatchWithProgress {
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
        /// Why it was undone: a stable code.
        pub undo_reason: Option<String>,
        /// When it was cancelled or undone.
        #[serde(with = "time::serde::rfc3339::option")]
        pub stopped_at: Option<OffsetDateTime>,
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

/// One batch and how far it is.
///
/// # Errors
/// The database is not available.
pub async fn get(client: &impl GenericClient, id: Uuid) -> Result<Option<BatchWithProgress>, DatabaseError> {
    query_opt(client, include_str!("../../../projections/batches/get_batch.sql"), &[&id]).await
}

/// Batches, newest first.
///
/// # Errors
/// The database is not available.
pub async fn list(client: &impl GenericClient, page: Page) -> Result<Listed<BatchRow>, DatabaseError> {
    let sql = include_str!("../../../projections/batches/list_batches.sql");
    let rows = query(client, sql, &[&page.after, &page.fetch()]).await?;
    Ok(page.listed(rows, |row: &BatchRow| row.created_position))
}
