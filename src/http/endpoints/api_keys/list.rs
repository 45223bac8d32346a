//! `GET /api-keys`

use axum::extract::State;

use super::{ApiKeyAnswer, last_uses};
use crate::http::answer::ListEnvelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{ListQuery, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::api_keys;

/// API keys of everybody, newest first, also those that count no more.
#[utoipa::path(
    get, path = "/api-keys", params(ListQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<ApiKeyAnswer>),
        (status = 400, description = "VALIDATION_ERROR: details name the parameter", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, ApiError> {
    let paging = query.paging()?;
    let database = http.database().await?;
    let listed = api_keys::list(&database, paging.page()).await?;
    let ids: Vec<_> = listed.items.iter().map(|row| row.id).collect();
    let uses = last_uses(&http, &database, &ids).await?;
    let shown: Vec<_> = listed.items.into_iter().map(|row| ApiKeyAnswer::of_row(row, &uses)).collect();
    Answer::list(&shown, &paging.meta(listed.next_cursor))
}
