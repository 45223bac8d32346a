//! Stream of the progress of a batch.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read::{BatchCounts, BatchListed, BatchProgress, found};
use crate::http::auth::stream_tickets::{self, StreamQuery, StreamTicket};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{Path, Query};
use crate::http::protocol::progress_stream;
use crate::http::protocol::progress_stream::Look;
use crate::http::{Answer, ApiError, Caller, HttpState};
use crate::projection::queries::batches::BatchWithProgress;

/// Progress of a batch, without the list of people for whom nothing could be issued.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchNews {
    /// Id, state and counts.
    #[serde(flatten)]
    counts: BatchCounts,
    /// Progress of the certificates that the batch created.
    progress: BatchProgress,
}

/// Streams the progress of a batch as server-sent events.
///
/// After each change, an event `progress` contains the complete state as JSON. The last event is
/// `end`, with the final state: the batch was stopped, or all its PDFs and mails are finished or
/// have failed. Comments keep the connection open. After 15 minutes the stream ends without `end`,
/// and the client should reconnect with `Last-Event-ID`. A client that reconnects after `end` gets
/// the status 204. An `EventSource` in a browser needs a ticket instead of a token. It can't
/// reconnect with the same ticket: it gets 401 and closes. Then get another ticket.
#[utoipa::path(
    get, path = "/batches/{id}/events",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that you have received"),
        StreamQuery,
    ),
    responses(
        (status = 200, description = "Events; the `data` of each is a BatchNews", body = BatchNews, content_type = "text/event-stream"),
        (status = 204, description = "The client has received `end` already"),
        (status = 503, description = "BUSY: too many open streams; poll instead"),
    )
)]
pub async fn follow_batch(
    State(http): State<HttpState>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let look = move |http| async move {
        let row = found(&http, id).await?;
        let ended = has_ended(&row);
        Look::of(&BatchNews::from(row), ended)
    };
    progress_stream::answer(http, &caller, &headers, &query, look).await
}

/// Returns a ticket that opens the stream of a batch.
///
/// An `EventSource` can't send a token, so the URL of the stream contains the ticket. The ticket
/// works once, within 30 seconds, and only for this stream. API keys are rejected, because a
/// program can send its API key instead of a ticket.
#[utoipa::path(
    post, path = "/batches/{id}/events/ticket",
    responses(
        (status = 200, description = "The ticket", body = Envelope<StreamTicket>),
        (status = 429, description = "TOO_MANY_REQUESTS: you have 32 unused tickets"),
    )
)]
pub async fn create_batch_ticket(
    State(http): State<HttpState>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    found(&http, id).await?;
    let path = http.api_path(&format!("/batches/{id}/events"));
    stream_tickets::issue(&http, &caller, &path).await
}

/// Returns true if every person of the batch was processed, and every certificate has a PDF or has
/// failed.
pub(in crate::http::api) fn is_drawn(
    BatchWithProgress { batch, progress }: &BatchWithProgress,
) -> bool {
    match batch.state.as_str() {
        "cancelled" | "undone" => true,
        "dispatched" => {
            batch.requested.is_some_and(|all| progress.issued >= all)
                && progress.without_pdf == progress.generation_failed
        }
        _ => false,
    }
}

/// Returns true if the state changes only after an action of a user. A failed PDF waits for such an
/// action.
fn has_ended(row: &BatchWithProgress) -> bool {
    let BatchWithProgress { batch, progress } = row;
    match batch.state.as_str() {
        "dispatched" => {
            let mailed = progress.mails_sent + progress.mails_failed + progress.mails_cancelled;
            is_drawn(row)
                && progress.mails_pending == 0
                && mailed >= progress.generated - progress.revoked
        }
        _ => is_drawn(row),
    }
}

impl From<BatchWithProgress> for BatchNews {
    fn from(BatchWithProgress { batch, progress }: BatchWithProgress) -> Self {
        Self {
            counts: BatchListed::from(batch).counts,
            progress: BatchProgress::of(&progress),
        }
    }
}
