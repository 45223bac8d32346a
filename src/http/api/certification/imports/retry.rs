//! Another attempt of a failed import.

use axum::extract::State;
use uuid::Uuid;

use super::ImportAnswer;
use super::read::current;
use crate::domain::certification::import::{Import, ImportCommand};
use crate::domain::{ImportId, Refusal};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{IfMatch, Path};
use crate::http::protocol::idempotency::{NO_BODY, Repeatable};
use crate::http::{Answer, ApiError, HttpState};
use crate::storage::ObjectKey;

/// Continues a failed import.
///
/// Rows that were imported before are skipped. The uploaded file must still be there; it expires
/// after some days. If the import is running, the request has no effect. `Location` shows the
/// progress.
#[utoipa::path(
    post, path = "/imports/{id}/retry",
    params(
        ("id" = Uuid, Path, description = "The import's id"),
        IfMatch,
        Repeatable,
    ),
    responses(
        (status = 202, description = "The import continues; see `Location`", body = Envelope<ImportAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: the import was completed or cancelled, or its file has expired", body = ErrorEnvelope),
    )
)]
pub async fn retry_import(
    State(http): State<HttpState>,
    write: Repeatable,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    write
        .once_unstored(&http, NO_BODY, async |context| {
            if_match.check_answer(current(&http, id)).await?;
            check_file(&http, ImportId(id)).await?;
            let done = http
                .commands
                .execute::<Import>(&context, ImportId(id), ImportCommand::Retry)
                .await?;
            let mut import = match super::read(&http, id).await? {
                Some(import) => import,
                None => ImportAnswer::begun(&http, ImportId(id), done.position).await?,
            };
            // The tables may not contain the request yet. A repeated request may also find that the
            // import has failed again.
            if import.state == "failed" && !done.state.ended {
                import.state = if import.through_row > 0 {
                    "running".to_owned()
                } else {
                    "requested".to_owned()
                };
                import.failure = None;
                import.ended_at = None;
            }
            Ok(Answer::ok(&import)?
                .accepted(http.api_path(&format!("/imports/{id}")))
                .at(done.position))
        })
        .await
}

/// Rejects an import whose file has expired.
async fn check_file(http: &HttpState, id: ImportId) -> Result<(), ApiError> {
    let import = http.commands.load::<Import>(id).await?.state;
    let Some(request) = import.request.filter(|_| import.has_failed) else {
        return Ok(());
    };
    let key = ObjectKey::parse(&request.object_key).map_err(crate::storage::StorageError::from)?;
    if http.storage.exists(&key).await? {
        return Ok(());
    }
    let message =
        "the uploaded file has expired, so the import can't be tried again; upload it again";
    Err(Refusal::WrongState(message.to_owned()).into())
}
