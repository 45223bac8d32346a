//! `POST /batches/{id}/undo`

use axum::extract::State;
use uuid::Uuid;

use super::BatchStopping;
use crate::domain::BatchId;
use crate::domain::certification::batch::{Batch, BatchCommand, BatchUndoRequested};
use crate::http::api::certification::generated_certificates::revocation::RevocationRequest;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{IdempotencyKey, Json, Path};
use crate::http::protocol::idempotency::{Request, about, once};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Revokes all certificates that a batch issued.
///
/// Certificates that existed before the batch stay valid. Unsent mails are cancelled. Links in sent mails lead to a
/// page that shows the revocation. The work is done in the background and continues after a server failure. Undoing
/// again has no effect. `Location` shows the progress.
#[utoipa::path(
    post, path = "/batches/{id}/undo", request_body = RevocationRequest,
    params(
        ("id" = Uuid, Path, description = "The batch's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repetition with the same key is not executed again"),
    ),
    responses(
        (status = 202, description = "The batch is being undone or was undone before; see `Location`", body = Envelope<BatchStopping>),
        (status = 400, description = "VALIDATION_ERROR, MALFORMED_JSON", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Path(id): Path<Uuid>,
    Json { value, sha256 }: Json<RevocationRequest>,
) -> Result<Answer, ApiError> {
    let (reason, note) = value.checked()?;
    let body_sha256 = about(id, Some(sha256));
    let route = "POST /batches/{id}/undo";
    let request = Request { caller: &caller, route, key, body_sha256, keep_answer: true };
    once(&http, request, async |command_id| {
        let command = BatchCommand::Undo(BatchUndoRequested { reason, note: note.clone() });
        let context = caller.context(command_id);
        let done = http.commands.execute::<Batch>(&context, BatchId(id), command).await?;
        let state = if done.state.is_stopped { "undone" } else { "undoing" };
        let answer = Answer::ok(&BatchStopping { batch_id: id, state })?;
        Ok(answer.accepted(http.api_path(&format!("/batches/{id}"))).at(done.position))
    })
    .await
}
