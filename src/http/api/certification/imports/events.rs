//! Stream of the progress of an import.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::auth::stream_tickets::{self, StreamQuery, StreamTicket};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::{Path, Query};
use crate::http::protocol::names::ImportStateName;
use crate::http::protocol::progress_stream;
use crate::http::protocol::progress_stream::Look;
use crate::http::{Answer, ApiError, Caller, HttpState};
use crate::projection::queries::imports::ImportRow;

/// Progress of an import, without its rejected rows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportProgress {
    /// Id of the import.
    id: Uuid,
    /// State of the import, as in `GET /imports/{id}`.
    #[schema(value_type = ImportStateName)]
    state: String,
    /// Number of processed rows. Null until the import ends.
    total_records: Option<i64>,
    /// Number of the last processed row.
    #[schema(example = 667)]
    through_row: i64,
    /// People created so far.
    created: i64,
    /// People changed so far.
    updated: i64,
    /// Known people who did not change, so far.
    existing: i64,
    /// Rows rejected so far.
    errors: i64,
    /// Certificates for people of the file so far, including certificates that they already had.
    certificates_associated: i64,
    /// Number of rows that were skipped because the import was cancelled.
    left: Option<i64>,
}

/// Streams the progress of an import as server-sent events.
///
/// After each change, an event `progress` contains the complete state as JSON. The last event is
/// `end`, with the final state. Comments keep the connection open. After 15 minutes the stream ends
/// without `end`, and the client should reconnect with `Last-Event-ID`. A client that reconnects
/// after `end` gets the status 204. An `EventSource` in a browser needs a ticket instead of a
/// token. It can't reconnect with the same ticket: it gets 401 and closes. Then get another ticket.
#[utoipa::path(
    get, path = "/imports/{id}/events",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that you have received"),
        StreamQuery,
    ),
    responses(
        (status = 200, description = "Events; the `data` of each is an ImportProgress", body = ImportProgress, content_type = "text/event-stream"),
        (status = 204, description = "The client has received `end` already"),
        (status = 503, description = "BUSY: too many open streams; poll instead"),
    )
)]
pub async fn follow_import(
    State(http): State<HttpState>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let look = move |http: HttpState| async move {
        let row = http.find::<ImportRow>("import", id).await?;
        let ended = ["completed", "failed", "cancelled"].contains(&row.state.as_str());
        Look::of(&ImportProgress::from(row), ended)
    };
    progress_stream::answer(http, &caller, &headers, &query, look).await
}

/// Returns a ticket that opens the stream of an import.
///
/// An `EventSource` can't send a token, so the URL of the stream contains the ticket. The ticket
/// works once, within 30 seconds, and only for this stream. API keys are rejected, because a
/// program can send its API key instead of a ticket.
#[utoipa::path(
    post, path = "/imports/{id}/events/ticket",
    responses(
        (status = 200, description = "The ticket", body = Envelope<StreamTicket>),
        (status = 429, description = "TOO_MANY_REQUESTS: you have 32 unused tickets"),
    )
)]
pub async fn create_import_ticket(
    State(http): State<HttpState>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    http.find::<ImportRow>("import", id).await?;
    let path = http.api_path(&format!("/imports/{id}/events"));
    stream_tickets::issue(&http, &caller, &path).await
}

impl From<ImportRow> for ImportProgress {
    fn from(row: ImportRow) -> Self {
        Self {
            id: row.id,
            state: row.state,
            total_records: row.total,
            through_row: row.through_row,
            created: row.created,
            updated: row.updated,
            existing: row.existing,
            errors: row.errors,
            certificates_associated: row.associated,
            left: row.left_rows,
        }
    }
}
