//! `GET /jobs/pending`

use axum::extract::State;

use super::list::JobsPage;
use crate::http::extract::{ListQuery, Query};
use crate::http::{Answer, ApiError, HttpState};

/// Jobs that wait for a try or are in one, newest first.
#[utoipa::path(
    get, path = "/jobs/pending", params(ListQuery),
    responses((status = 200, description = "A page", body = JobsPage))
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, ApiError> {
    super::list::page(&http, query.paging()?, Some("pending"), None).await
}
