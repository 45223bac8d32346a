//! Endpoints that cancel and undo a batch.

use axum::extract::State;
use uuid::Uuid;

use super::read::{BatchAnswer, BatchProgress, current};
use crate::domain::BatchId;
use crate::domain::certification::batch::{Batch, BatchCommand, BatchUndoRequested};
use crate::event_log::Position;
use crate::http::api::certification::generated_certificates::revocation::RevocationRequest;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{IfMatch, Json, Path};
use crate::http::protocol::idempotency::{NO_BODY, Repeatable};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::batches;

/// Cancels the unfinished part of a batch.
///
/// No certificate is created for the remaining people. Certificates without a PDF are revoked with
/// the reason `batchCancelled`. Certificates with a PDF stay valid, but their unsent mails are
/// cancelled. If the batch is already cancelled, the request has no effect. `Location` shows the
/// progress.
#[utoipa::path(
    post, path = "/batches/{id}/cancel",
    params(
        IfMatch,
        Repeatable,
    ),
    responses(
        (status = 202, description = "The batch is being cancelled or was cancelled before; see `Location`", body = Envelope<BatchAnswer>),
        (status = 409, description = "WRONG_STATE: an undo of the batch was requested"),
    )
)]
pub async fn cancel_batch(
    State(http): State<HttpState>,
    write: Repeatable,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    write
        .once(&http, NO_BODY, async |context| {
            if_match.check_answer(current(&http, id)).await?;
            let progress = progress(&http, id).await?;
            let done = http
                .commands
                .execute::<Batch>(&context, BatchId(id), BatchCommand::Cancel)
                .await?;
            stopping(&http, BatchId(id), done.position, progress).await
        })
        .await
}

/// Revokes all certificates that a batch has created.
///
/// Certificates that existed before the batch stay valid. Unsent mails are cancelled. Links in sent
/// mails open a page that shows the revocation. The work is done in the background, and continues
/// after a failure of the server. If the batch is already undone, the request has no effect.
/// `Location` shows the progress.
#[utoipa::path(
    post, path = "/batches/{id}/undo",
    params(
        IfMatch,
        Repeatable,
    ),
    responses(
        (status = 202, description = "The batch is being undone or was undone before; see `Location`", body = Envelope<BatchAnswer>),
    )
)]
pub async fn undo_batch(
    State(http): State<HttpState>,
    write: Repeatable,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
    Json { value, sha256 }: Json<RevocationRequest>,
) -> Result<Answer, ApiError> {
    let (reason, note) = value.checked()?;
    write
        .once(&http, sha256, async |context| {
            let command = BatchCommand::Undo(BatchUndoRequested {
                reason,
                note: note.clone(),
            });
            if_match.check_answer(current(&http, id)).await?;
            let progress = progress(&http, id).await?;
            let done = http
                .commands
                .execute::<Batch>(&context, BatchId(id), command)
                .await?;
            stopping(&http, BatchId(id), done.position, progress).await
        })
        .await
}

/// Returns the progress of a batch. It is zero if the query tables do not have the batch yet.
async fn progress(http: &HttpState, id: Uuid) -> Result<BatchProgress, ApiError> {
    let row = batches::get(&http.database().await?, id).await?;
    Ok(row.map_or_else(BatchProgress::default, |row| {
        BatchProgress::of(&row.progress)
    }))
}

/// Returns the answer about a batch that is being stopped.
async fn stopping(
    http: &HttpState,
    id: BatchId,
    position: Position,
    progress: BatchProgress,
) -> Result<Answer, ApiError> {
    let history = http.commands.history::<Batch>(id, position).await?;
    let answer = Answer::ok(&BatchAnswer::of_history(id, history, progress)?)?;
    Ok(answer
        .accepted(http.api_path(&format!("/batches/{id}")))
        .at(position))
}
