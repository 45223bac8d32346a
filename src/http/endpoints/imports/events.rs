//! `GET /imports/{id}/events`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use futures_util::future::BoxFuture;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::Path;
use crate::http::progress_stream::{self, Look};
use crate::http::{ApiError, Caller, HttpState};
use crate::projection::queries::imports::{self, ImportRow};

/// How far an import is, without its rejected rows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportProgress {
    /// The import.
    import_id: Uuid,
    /// As in `GET /imports/{id}`.
    #[schema(example = "running")]
    state: String,
    /// Rows that were dealt with; null until the end.
    total_records: Option<i64>,
    /// The last row that is dealt with.
    #[schema(example = 667)]
    through_row: i64,
    /// People created so far.
    created: i64,
    /// People changed so far.
    updated: i64,
    /// People who were known and stay as they were, so far.
    existing: i64,
    /// Rows rejected so far.
    errors: i64,
    /// Certificates that people get, so far.
    certificates_associated: i64,
    /// Rows that were left because it was cancelled.
    left: Option<i64>,
}

/// How an import goes on, as server-sent events.
///
/// `progress` whenever something has changed, with the whole state as JSON; `end` with the last one, and
/// then the stream ends. Comments come in between. After a quarter of an hour the stream ends without
/// `end`: come back with `Last-Event-ID`. Whoever comes back after the end is answered 204.
#[utoipa::path(
    get, path = "/imports/{id}/events",
    params(
        ("id" = Uuid, Path, description = "The import's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that you have seen"),
    ),
    responses(
        (status = 200, description = "Events; `data` of each is an ImportProgress", body = ImportProgress, content_type = "text/event-stream"),
        (status = 204, description = "You have seen the end"),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 503, description = "BUSY: too many such streams; ask now and then instead", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let look = move |http: HttpState| -> BoxFuture<'static, Result<Look, ApiError>> {
        Box::pin(async move {
            let row = imports::get(&http.database().await?, id).await?;
            let row = row.ok_or_else(|| ApiError::not_found("import"))?;
            let ended = ["completed", "failed", "cancelled"].contains(&row.state.as_str());
            let state = serde_json::to_value(ImportProgress::from(row)).map_err(ApiError::internal)?;
            Ok(Look { state, ended })
        })
    };
    progress_stream::answer(http, &caller, &headers, Box::new(look)).await
}

impl From<ImportRow> for ImportProgress {
    fn from(row: ImportRow) -> Self {
        Self {
            import_id: row.id,
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
