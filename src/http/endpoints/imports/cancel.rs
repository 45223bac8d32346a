//! `POST /imports/{id}/cancel`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::ImportId;
use crate::domain::import::{Import, ImportCommand};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{IdempotencyKey, Path};
use crate::http::idempotency::{Request, about, once};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// An import that is being cancelled, or is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportStopping {
    /// The import.
    import_id: Uuid,
    /// `cancelling`; `cancelled` where that had been done before.
    #[schema(example = "cancelling")]
    state: &'static str,
}

/// Leave the rows that are not taken in yet.
///
/// What was taken in stays. The rows that were left are in the report, ready to be uploaded again.
/// Cancelling twice changes nothing. The progress is at Location.
#[utoipa::path(
    post, path = "/imports/{id}/cancel",
    params(
        ("id" = Uuid, Path, description = "The import's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless"),
    ),
    responses(
        (status = 202, description = "It is being cancelled, or is; see Location", body = Envelope<ImportStopping>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: it has ended", body = ErrorEnvelope),
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
    let route = "POST /imports/{id}/cancel";
    let request = Request { caller: &caller, route, key, body_sha256, keep_answer: true };
    once(&http, request, async |command_id| {
        let context = caller.context(command_id);
        let done = http.commands.execute::<Import>(&context, ImportId(id), ImportCommand::Cancel).await?;
        let state = if done.state.ended { "cancelled" } else { "cancelling" };
        let answer = Answer::ok(&ImportStopping { import_id: id, state })?;
        Ok(answer.accepted(http.api_path(&format!("/imports/{id}"))).at(done.position))
    })
    .await
}
