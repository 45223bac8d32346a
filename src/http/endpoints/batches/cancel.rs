//! `POST /batches/{id}/cancel`

use axum::extract::State;
use uuid::Uuid;

use super::BatchStopping;
use crate::domain::BatchId;
use crate::domain::batch::{Batch, BatchCommand};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{IdempotencyKey, Path};
use crate::http::idempotency::{Request, about, once};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Stop what has not happened yet.
///
/// Whoever has no certificate yet gets none. Certificates without a PDF are revoked, with the reason
/// `batchCancelled`. Certificates with a PDF stay, and their mails that are not sent yet are not sent.
/// Cancelling twice changes nothing. The progress is at Location.
#[utoipa::path(
    post, path = "/batches/{id}/cancel",
    params(
        ("id" = Uuid, Path, description = "The batch's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless"),
    ),
    responses(
        (status = 202, description = "It is being stopped, or is; see Location", body = Envelope<BatchStopping>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: it is undone already", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let body_sha256 = about(id, None);
    let route = "POST /batches/{id}/cancel";
    let request = Request { caller: &caller, route, key, body_sha256, keep_answer: true };
    once(&http, request, async |command_id| {
        let context = caller.context(command_id);
        let done = http.commands.execute::<Batch>(&context, BatchId(id), BatchCommand::Cancel).await?;
        let state = if done.state.is_stopped { "cancelled" } else { "cancelling" };
        let answer = Answer::ok(&BatchStopping { batch_id: id, state })?;
        Ok(answer.accepted(http.api_path(&format!("/batches/{id}"))).at(done.position))
    })
    .await
}
