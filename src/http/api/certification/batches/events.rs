//! Progress of a batch as a stream.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use futures_util::future::BoxFuture;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read::BatchProgress;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::protocol::progress_stream;
use crate::http::protocol::progress_stream::Look;
use crate::http::{ApiError, Caller, HttpState};
use crate::projection::queries::batches::{self, BatchWithProgress};

/// Progress of a batch, without the list of refused people.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchNews {
    /// Id of the batch.
    id: Uuid,
    /// State of the batch, as in `GET /batches/{id}`.
    #[schema(example = "dispatched")]
    state: String,
    /// Number of people in the batch.
    total: i64,
    /// Certificates that the batch created; null until it is dispatched.
    requested: Option<i64>,
    /// Certificates that existed before; null until it is dispatched.
    existing: Option<i64>,
    /// People for whom nothing could be issued; null until it is dispatched.
    refused: Option<i64>,
    /// People without a certificate because the batch was stopped; null until it is dispatched.
    left: Option<i64>,
    /// Progress of the certificates that the batch created.
    progress: BatchProgress,
}

/// Streams the progress of a batch as server-sent events.
///
/// Every change is sent as an event `progress` with the whole state as JSON. The last event is
/// `end`, with the final state: the batch is stopped, or all its PDFs and mails are done or have
/// failed. Comments are sent in between. After 15 minutes the stream ends without `end`; reconnect
/// with `Last-Event-ID`. A client that reconnects after `end` gets the status 204.
#[utoipa::path(
    get, path = "/batches/{id}/events",
    params(
        ("id" = Uuid, Path, description = "The batch's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that you have seen"),
    ),
    responses(
        (status = 200, description = "Events; the `data` of each is a BatchNews", body = BatchNews, content_type = "text/event-stream"),
        (status = 204, description = "The client has received `end` already"),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 503, description = "BUSY: too many open streams; poll instead", body = ErrorEnvelope),
    )
)]
pub async fn follow_batch(
    State(http): State<HttpState>,
    caller: Caller,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let look = move |http: HttpState| -> BoxFuture<'static, Result<Look, ApiError>> {
        Box::pin(async move {
            let row = batches::get(&http.database().await?, id).await?;
            let row = row.ok_or_else(|| ApiError::not_found("batch"))?;
            let ended = has_ended(&row);
            let state = serde_json::to_value(BatchNews::from(row)).map_err(ApiError::internal)?;
            Ok(Look { state, ended })
        })
    };
    progress_stream::answer(http, &caller, &headers, Box::new(look)).await
}

/// Returns true if nothing more happens without a user's action. A failed PDF waits for such an
/// action.
fn has_ended(BatchWithProgress { batch, progress }: &BatchWithProgress) -> bool {
    match batch.state.as_str() {
        "cancelled" | "undone" => true,
        "dispatched" => {
            let is_drawn = batch.requested.is_some_and(|all| progress.issued >= all)
                && progress.without_pdf == progress.generation_failed;
            let mailed = progress.mails_sent + progress.mails_failed + progress.mails_cancelled;
            is_drawn
                && progress.mails_pending == 0
                && mailed >= progress.generated - progress.revoked
        }
        _ => false,
    }
}

impl From<BatchWithProgress> for BatchNews {
    fn from(BatchWithProgress { batch, progress }: BatchWithProgress) -> Self {
        Self {
            id: batch.id,
            state: batch.state,
            total: batch.total,
            requested: batch.requested,
            existing: batch.existing,
            refused: batch.refused,
            left: batch.left_out,
            progress: BatchProgress::of(&progress),
        }
    }
}
