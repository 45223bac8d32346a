//! `GET /jobs/pending`

use axum::extract::State;

use super::list::JobsPage;
use crate::http::extract::{ListQuery, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs::JobFilter;

/// Jobs that wait or are under way, newest first; also held and scheduled ones.
#[utoipa::path(
    get, path = "/jobs/pending", params(ListQuery),
    responses((status = 200, description = "A page", body = JobsPage))
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, ApiError> {
    let filter = JobFilter { status: Some("pending".to_owned()), ..JobFilter::default() };
    super::list::page(&http, query.paging()?, &filter).await
}
