//! Endpoints that show batches.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{ListQuery, Path};
use crate::http::protocol::names::BatchStateName;
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::batches::{self, BatchRow, BatchWithProgress, ProgressRow};

/// A batch and its progress.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// Id of the batch.
    batch_id: Uuid,
    /// Id of the certificate that is issued.
    certificate_id: Uuid,
    /// Id of the import that the people come from; absent if a request named the people.
    #[serde(skip_serializing_if = "Option::is_none")]
    import_id: Option<Uuid>,
    /// `requested`; `dispatched` after a certificate was created or refused for each person;
    /// `cancelling` or `undoing` while it is being stopped; `cancelled` or `undone` when that is
    /// finished.
    #[schema(value_type = BatchStateName)]
    state: String,
    /// Number of people in the batch.
    total: i64,
    /// Certificates that the batch created; null until it is dispatched.
    requested: Option<i64>,
    /// Certificates that existed before; null until it is dispatched.
    existing: Option<i64>,
    /// People for whom nothing could be issued; null until it is dispatched.
    refused: Option<i64>,
    /// People without a certificate because the batch was stopped; null until it is dispatched.
    left: Option<i64>,
    /// The people for whom nothing could be issued.
    refusals: Vec<RefusalAnswer>,
    /// Progress of the certificates that the batch created.
    progress: BatchProgress,
    /// Reason for undoing the batch, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo_reason: Option<String>,
    /// Time of the request (RFC 3339).
    created_at: Timestamp,
    /// Time at which it was cancelled or undone (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<Timestamp>,
}

/// Person for whom nothing could be issued.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusalAnswer {
    /// Id of the attendee.
    pub attendee_id: Uuid,
    /// Reason, as a stable code.
    #[schema(example = "NOT_FOUND")]
    pub code: String,
}

/// Progress of the certificates of a batch.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchProgress {
    /// Certificates created so far.
    issued: i64,
    /// PDFs created so far.
    generated: i64,
    /// PDFs that could not be created. Correct the cause, then generate for the same people again.
    generation_failed: i64,
    /// Revoked certificates, with or without a PDF. Includes certificates that could not be drawn
    /// and were generated again.
    revoked: i64,
    /// Mails that are not sent yet.
    mails_pending: i64,
    /// Mails that a mail server accepted.
    mails_sent: i64,
    /// Mails that failed or have an unknown outcome.
    mails_failed: i64,
    /// Cancelled mails. They do not count as failed.
    mails_cancelled: i64,
}

/// Returns a batch and its progress.
#[utoipa::path(
    get, path = "/batches/{id}", params(
        ("id" = Uuid, Path, description = "The batch's id"),
    ),
    responses(
        (status = 200, description = "The batch", body = Envelope<BatchAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_batch(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    current(&http, id).await
}

/// Returns the current answer about a batch.
pub(super) async fn current(http: &HttpState, id: Uuid) -> Result<Answer, ApiError> {
    let row = batches::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("batch"))?;
    Ok(Answer::ok(&shown(row)?)?.version_of_body())
}

impl BatchProgress {
    /// Converts a row of the query tables.
    pub(super) const fn of(row: &ProgressRow) -> Self {
        Self {
            issued: row.issued,
            generated: row.generated,
            generation_failed: row.generation_failed,
            revoked: row.revoked,
            mails_pending: row.mails_pending,
            mails_sent: row.mails_sent,
            mails_failed: row.mails_failed,
            mails_cancelled: row.mails_cancelled,
        }
    }
}

/// Converts a batch of the query tables into the API's form.
pub(in crate::http::api) fn shown(
    BatchWithProgress { batch, progress }: BatchWithProgress,
) -> Result<BatchAnswer, ApiError> {
    Ok(BatchAnswer {
        batch_id: batch.id,
        certificate_id: batch.certificate_id,
        import_id: batch.import_id,
        state: batch.state,
        total: batch.total,
        requested: batch.requested,
        existing: batch.existing,
        refused: batch.refused,
        left: batch.left_out,
        progress: BatchProgress::of(&progress),
        refusals: serde_json::from_value(progress.refusals).map_err(ApiError::internal)?,
        undo_reason: batch.undo_reason,
        created_at: Timestamp(batch.created_at),
        stopped_at: batch.stopped_at.map(Timestamp),
    })
}

/// A batch in a list. `GET /batches/{id}` also has the progress of its certificates and the refused
/// people.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchListed {
    /// Id of the batch.
    batch_id: Uuid,
    /// Id of the certificate that is issued.
    certificate_id: Uuid,
    /// State of the batch, as in `GET /batches/{id}`.
    #[schema(value_type = BatchStateName)]
    state: String,
    /// Number of people in the batch.
    #[schema(example = 250)]
    total: i64,
    /// Certificates that the batch created; null until it is dispatched.
    requested: Option<i64>,
    /// Certificates that existed before; null until it is dispatched.
    existing: Option<i64>,
    /// People for whom nothing could be issued; null until it is dispatched.
    refused: Option<i64>,
    /// People without a certificate because the batch was stopped; null until it is dispatched.
    left: Option<i64>,
    /// Reason for undoing the batch, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo_reason: Option<String>,
    /// Time of the request (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    created_at: Timestamp,
    /// Time of the last change of the batch itself (RFC 3339). Changes of its certificates do not
    /// count.
    #[schema(example = "2026-11-21T12:00:00Z")]
    updated_at: Timestamp,
    /// Time at which it was cancelled or undone (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-21T12:00:00Z")]
    stopped_at: Option<Timestamp>,
}

impl From<BatchRow> for BatchListed {
    fn from(row: BatchRow) -> Self {
        Self {
            batch_id: row.id,
            certificate_id: row.certificate_id,
            state: row.state,
            total: row.total,
            requested: row.requested,
            existing: row.existing,
            refused: row.refused,
            left: row.left_out,
            undo_reason: row.undo_reason,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            stopped_at: row.stopped_at.map(Timestamp),
        }
    }
}

/// Lists batches, newest first by default.
#[utoipa::path(
    get, path = "/batches", params(ListQuery<BatchRow>),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<BatchListed>),
    )
)]
pub async fn list_batches(
    State(http): State<HttpState>,
    query: ListQuery<BatchRow>,
) -> Result<Answer, ApiError> {
    query.answer(&http, BatchListed::from).await
}
