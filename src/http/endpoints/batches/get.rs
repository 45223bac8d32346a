//! `GET /batches/{id}`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::rfc3339;
use crate::http::extract::Path;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::batches::{self, BatchWithProgress, ProgressRow};

/// A batch and how far it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// The batch.
    batch_id: Uuid,
    /// What they earn.
    certificate_id: Uuid,
    /// The import whose people these are; absent where somebody named them.
    #[serde(skip_serializing_if = "Option::is_none")]
    import_id: Option<Uuid>,
    /// `requested`; `dispatched` once everybody has a certificate on its way or was refused; `cancelling`,
    /// `cancelled`, `undoing` or `undone` where that was asked for or done.
    #[schema(example = "dispatched")]
    state: String,
    /// People in it.
    total: i64,
    /// Certificates that it made; null until it is dispatched.
    requested: Option<i64>,
    /// Certificates that people held before; null until it is dispatched.
    existing: Option<i64>,
    /// People for whom nothing could be issued; null until it is dispatched.
    refused: Option<i64>,
    /// People for whom nothing was issued because it was stopped; null until it is dispatched.
    left: Option<i64>,
    /// People for whom nothing could be issued.
    refusals: Vec<RefusalAnswer>,
    /// How far the certificates are that it made.
    progress: BatchProgress,
    /// Why it was undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo_reason: Option<String>,
    /// When it was asked for (RFC 3339).
    created_at: String,
    /// When it was cancelled or undone (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<String>,
}

/// Somebody for whom nothing could be issued.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusalAnswer {
    /// Who.
    pub attendee_id: Uuid,
    /// Why: a stable code.
    #[schema(example = "NOT_FOUND")]
    pub code: String,
}

/// How far the certificates of a batch are.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchProgress {
    /// Certificates asked for so far.
    issued: i64,
    /// PDFs made.
    generated: i64,
    /// PDFs that could not be made. Once that is put right, generate for the same people again.
    generation_failed: i64,
    /// Certificates that are revoked, with a PDF or without; also those that could not be drawn and were
    /// generated again.
    revoked: i64,
    /// Mails that wait.
    mails_pending: i64,
    /// Mails that a server took.
    mails_sent: i64,
    /// Mails given up, or with an unknown outcome.
    mails_failed: i64,
    /// Mails that were cancelled; they don't count as failed.
    mails_cancelled: i64,
}

/// How far a batch is.
#[utoipa::path(
    get, path = "/batches/{id}", params(
        ("id" = Uuid, Path, description = "The batch's id"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag that you know"),
    ),
    responses(
        (status = 200, description = "The batch", body = Envelope<BatchAnswer>),
        (status = 304, description = "`If-None-Match` names the present version"),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn handle(State(http): State<HttpState>, Path(id): Path<Uuid>) -> Result<Answer, ApiError> {
    let row = batches::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("batch"))?;
    Ok(Answer::ok(&shown(row)?)?.version_of_body())
}

impl BatchProgress {
    /// As the query tables have it.
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

/// Returns a batch as the API shows it.
pub(in crate::http::endpoints) fn shown(
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
        created_at: rfc3339(batch.created_at),
        stopped_at: batch.stopped_at.map(rfc3339),
    })
}
