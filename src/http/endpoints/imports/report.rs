//! `GET /imports/{id}/report`

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::Path;
use crate::http::{ApiError, HttpState};
use crate::projection::queries::imports;
use crate::storage::ObjectKey;

/// All rejected rows of an import that has ended, as a file: a JSON object per line, shaped as those in
/// `errorDetails`.
#[utoipa::path(
    get, path = "/imports/{id}/report", params(("id" = Uuid, Path, description = "The import's id")),
    responses(
        (status = 200, description = "The rejected rows", body = Vec<u8>, content_type = "application/x-ndjson"),
        (status = 404, description = "NOT_FOUND: no such import, no row was rejected, or the report has expired", body = ErrorEnvelope),
    )
)]
pub async fn handle(State(http): State<HttpState>, Path(id): Path<Uuid>) -> Result<Response, ApiError> {
    let row = imports::get(&http.database().await?, id).await?;
    let key = row.ok_or_else(|| ApiError::not_found("import"))?.report_key;
    let key = key.ok_or_else(|| ApiError::not_found("report; no row was rejected, or the import goes on"))?;
    let key = ObjectKey::parse(&key).map_err(ApiError::internal)?;
    let stored = http.storage.get_pieces(&key).await?;
    let (size, pieces) = stored.ok_or_else(|| ApiError::not_found("report; it has expired"))?;
    let headers = [
        (CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"import_{id}.ndjson\"")),
        (CONTENT_LENGTH, size.to_string()),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
