//! Cancellation of an import.

use axum::extract::State;
use uuid::Uuid;

use super::ImportAnswer;
use super::read::current;
use crate::domain::ImportId;
use crate::domain::certification::import::{Import, ImportCommand};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{IfMatch, Path};
use crate::http::protocol::idempotency::{NO_BODY, Repeatable};
use crate::http::{Answer, ApiError, HttpState};

/// Cancels an import: the remaining rows are skipped.
///
/// Rows that were already imported stay imported. The report contains the skipped rows, which can
/// be uploaded again. If the import is already cancelled, the request has no effect. `Location`
/// shows the progress.
#[utoipa::path(
    post, path = "/imports/{id}/cancel",
    params(
        IfMatch,
        Repeatable,
    ),
    responses(
        (status = 202, description = "The import is being cancelled or was cancelled before; see `Location`", body = Envelope<ImportAnswer>),
        (status = 409, description = "WRONG_STATE: the import has ended"),
    )
)]
pub async fn cancel_import(
    State(http): State<HttpState>,
    write: Repeatable,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    write
        .once_unstored(&http, NO_BODY, async |context| {
            if_match.check_answer(current(&http, id)).await?;
            let import = super::read(&http, id).await?;
            let done = http
                .commands
                .execute::<Import>(&context, ImportId(id), ImportCommand::Cancel)
                .await?;
            let mut import = match import {
                Some(import) => import,
                None => ImportAnswer::begun(&http, ImportId(id), done.position).await?,
            };
            import.state = if done.state.ended {
                "cancelled".to_owned()
            } else {
                "cancelling".to_owned()
            };
            Ok(Answer::ok(&import)?
                .accepted(http.api_path(&format!("/imports/{id}")))
                .at(done.position))
        })
        .await
}
