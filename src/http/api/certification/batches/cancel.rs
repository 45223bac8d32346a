//! `POST /batches/{id}/cancel`

use axum::extract::State;
use uuid::Uuid;

use super::BatchStopping;
use crate::domain::BatchId;
use crate::domain::certification::batch::{Batch, BatchCommand};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::protocol::idempotency::{NO_BODY, Repeatable};
use crate::http::{Answer, ApiError, HttpState};

/// Cancels the unfinished part of a batch.
///
/// People without a certificate get none. Certificates without a PDF are revoked with the reason `batchCancelled`.
/// Certificates with a PDF stay valid, but their unsent mails are cancelled. Cancelling again has no effect.
/// `Location` shows the progress.
#[utoipa::path(
    post, path = "/batches/{id}/cancel",
    params(
        ("id" = Uuid, Path, description = "The batch's id"),
        Repeatable,
    ),
    responses(
        (status = 202, description = "The batch is being cancelled or was cancelled before; see `Location`", body = Envelope<BatchStopping>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: an undo of the batch was requested", body = ErrorEnvelope),
    )
)]
pub async fn cancel_batch(
    State(http): State<HttpState>,
    write: Repeatable,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    write
        .once(&http, NO_BODY, async |command_id| {
            let context = write.caller.context(command_id);
            let done = http.commands.execute::<Batch>(&context, BatchId(id), BatchCommand::Cancel).await?;
            let state = if done.state.is_stopped { "cancelled" } else { "cancelling" };
            let answer = Answer::ok(&BatchStopping { batch_id: id, state })?;
            Ok(answer.accepted(http.api_path(&format!("/batches/{id}"))).at(done.position))
        })
        .await
}
