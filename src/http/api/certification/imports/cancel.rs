//! Cancellation of an import.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read::current;
use crate::domain::ImportId;
use crate::domain::certification::import::{Import, ImportCommand};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{IfMatch, Path};
use crate::http::protocol::idempotency::{NO_BODY, Repeatable};
use crate::http::{Answer, ApiError, HttpState};

/// State of an import that is being cancelled or was cancelled.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportStopping {
    /// Id of the import.
    import_id: Uuid,
    /// `cancelling`; `cancelled` if that was finished before.
    #[schema(example = "cancelling")]
    state: &'static str,
}

/// Cancels an import: the remaining rows are skipped.
///
/// Rows that were imported before stay imported. The report has the skipped rows, ready for another
/// upload. Cancelling again has no effect. `Location` shows the progress.
#[utoipa::path(
    post, path = "/imports/{id}/cancel",
    params(
        ("id" = Uuid, Path, description = "The import's id"),
        IfMatch,
        Repeatable,
    ),
    responses(
        (status = 202, description = "The import is being cancelled or was cancelled before; see `Location`", body = Envelope<ImportStopping>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: the import has ended", body = ErrorEnvelope),
    )
)]
pub async fn cancel_import(
    State(http): State<HttpState>,
    write: Repeatable,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    write
        .once(&http, NO_BODY, async |command_id| {
            if_match.check_answer(current(&http, id)).await?;
            let context = write.caller.context(command_id);
            let done = http
                .commands
                .execute::<Import>(&context, ImportId(id), ImportCommand::Cancel)
                .await?;
            let state = if done.state.ended {
                "cancelled"
            } else {
                "cancelling"
            };
            let answer = Answer::ok(&ImportStopping {
                import_id: id,
                state,
            })?;
            Ok(answer
                .accepted(http.api_path(&format!("/imports/{id}")))
                .at(done.position))
        })
        .await
}
