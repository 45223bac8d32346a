//! Endpoints that show batches.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::commands::History;
use crate::domain::BatchId;
use crate::domain::certification::batch::{Batch, BatchEvent, Stop};
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::extract::{ListQuery, Path};
use crate::http::protocol::names::BatchStateName;
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::batches::{self, BatchRow, BatchWithProgress, ProgressRow};

/// Counts of a batch.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchCounts {
    /// Id of the batch.
    pub id: Uuid,
    /// `requested`; `dispatched` after a certificate was created or refused for each person;
    /// `cancelling` or `undoing` while it is being stopped; `cancelled` or `undone` when that is
    /// finished.
    #[schema(value_type = BatchStateName)]
    state: String,
    /// Number of people in the batch.
    #[schema(example = 250)]
    pub total: i64,
    /// Number of certificates that the batch has created. Null until the batch is dispatched.
    requested: Option<i64>,
    /// Number of certificates that existed before the batch. Null until the batch is dispatched.
    existing: Option<i64>,
    /// Number of people for whom nothing could be issued. Null until the batch is dispatched.
    refused: Option<i64>,
    /// Number of people who got no certificate because the batch was stopped. Null until the batch
    /// is dispatched.
    left: Option<i64>,
}

/// A batch in a list. `GET /batches/{id}` also has the progress of its certificates and the refused
/// people.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchListed {
    /// Id, state and counts.
    #[serde(flatten)]
    pub counts: BatchCounts,
    /// Id of the certificate that is issued.
    certificate_id: Uuid,
    /// Id of the import that the people come from; null if a request named the people.
    import_id: Option<Uuid>,
    /// Reason for undoing the batch, as a stable code.
    undo_reason: Option<String>,
    /// Time of the request (RFC 3339).
    created_at: Timestamp,
    /// Time of the last change of the batch itself (RFC 3339). Changes of its certificates do not
    /// count.
    updated_at: Timestamp,
    /// Time at which it was cancelled or undone (RFC 3339).
    stopped_at: Option<Timestamp>,
}

/// A batch and its progress.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// The batch.
    #[serde(flatten)]
    pub batch: BatchListed,
    /// People for whom nothing could be issued.
    refusals: Vec<RefusalAnswer>,
    /// Progress of the certificates that the batch created.
    progress: BatchProgress,
}

impl BatchAnswer {
    /// Returns the batch from its events in the log.
    ///
    /// # Errors
    /// 404 if there is none.
    pub fn of_history(
        id: BatchId,
        history: History<Batch>,
        progress: BatchProgress,
    ) -> Result<Self, ApiError> {
        let state = history.state;
        let request = state.request;
        let request = request.ok_or_else(|| ApiError::not_found("batch"))?;
        let name = match (&state.stop, state.is_stopped) {
            (None, _) if state.is_dispatched => "dispatched",
            (None, _) => "requested",
            (Some(Stop::Cancel), false) => "cancelling",
            (Some(Stop::Cancel), true) => "cancelled",
            (Some(Stop::Undo(_)), false) => "undoing",
            (Some(Stop::Undo(_)), true) => "undone",
        };
        let undo_reason = match &state.stop {
            Some(Stop::Undo(undo)) => {
                let reason = serde_json::to_value(undo.reason).map_err(ApiError::internal)?;
                reason.as_str().map(str::to_owned)
            }
            Some(Stop::Cancel) | None => None,
        };
        let dispatched = history.events.iter().find_map(|(_, event)| match event {
            BatchEvent::BatchDispatched(dispatched) => Some(dispatched),
            _ => None,
        });
        let refused = dispatched.map(|dispatched| &dispatched.refused);
        let refusals = refused.into_iter().flatten().map(|refused| RefusalAnswer {
            attendee_id: refused.attendee_id.0,
            code: refused.code.clone(),
        });
        let stopped_at = state.is_stopped.then_some(history.updated_at);
        let counts = BatchCounts {
            id: id.0,
            state: name.to_owned(),
            total: count(request.attendee_ids.len()),
            requested: dispatched.map(|dispatched| dispatched.requested.into()),
            existing: dispatched.map(|dispatched| dispatched.existing.into()),
            refused: refused.map(|refused| count(refused.len())),
            left: dispatched.map(|dispatched| dispatched.left.into()),
        };
        let batch = BatchListed {
            counts,
            certificate_id: request.certificate_id.0,
            import_id: request.import_id.map(|id| id.0),
            undo_reason,
            created_at: Timestamp(history.created_at),
            updated_at: Timestamp(history.updated_at),
            stopped_at: stopped_at.map(Timestamp),
        };
        Ok(Self {
            batch,
            refusals: refusals.collect(),
            progress,
        })
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
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
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchProgress {
    /// Certificates created so far.
    issued: i64,
    /// PDFs created so far.
    generated: i64,
    /// PDFs that could not be created. Correct the cause, then generate the certificate for the
    /// same people again.
    generation_failed: i64,
    /// Revoked certificates, with or without a PDF. Certificates that could not be drawn and were
    /// generated again are included.
    revoked: i64,
    /// Mails that are not sent yet.
    mails_pending: i64,
    /// Mails that a mail server accepted.
    mails_sent: i64,
    /// Mails that failed or have an unknown outcome.
    mails_failed: i64,
    /// Cancelled mails. They are not counted as failed.
    mails_cancelled: i64,
}

/// Returns a batch and its progress.
#[utoipa::path(
    get, path = "/batches/{id}",
    responses(
        (status = 200, description = "The batch", body = Envelope<BatchAnswer>),
    )
)]
pub async fn get_batch(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    current(&http, id).await
}

/// Returns the response with the current state of a batch.
pub(super) async fn current(http: &HttpState, id: Uuid) -> Result<Answer, ApiError> {
    Ok(Answer::ok(&shown(found(http, id).await?)?)?.version_of_body())
}

/// Reads a batch from the query tables.
///
/// # Errors
/// 404 if there is none; 503 if the database is unavailable.
pub(super) async fn found(http: &HttpState, id: Uuid) -> Result<BatchWithProgress, ApiError> {
    let row = batches::get(&http.database().await?, id).await?;
    row.ok_or_else(|| ApiError::not_found("batch"))
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

/// Converts a batch from the query tables to the form of the API.
pub(in crate::http::api) fn shown(
    BatchWithProgress { batch, progress }: BatchWithProgress,
) -> Result<BatchAnswer, ApiError> {
    Ok(BatchAnswer {
        batch: batch.into(),
        progress: BatchProgress::of(&progress),
        refusals: serde_json::from_value(progress.refusals).map_err(ApiError::internal)?,
    })
}

impl From<BatchRow> for BatchListed {
    fn from(row: BatchRow) -> Self {
        let counts = BatchCounts {
            id: row.id,
            state: row.state,
            total: row.total,
            requested: row.requested,
            existing: row.existing,
            refused: row.refused,
            left: row.left_out,
        };
        Self {
            counts,
            certificate_id: row.certificate_id,
            import_id: row.import_id,
            undo_reason: row.undo_reason,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            stopped_at: row.stopped_at.map(Timestamp),
        }
    }
}

/// Lists batches. The newest batch comes first by default.
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
