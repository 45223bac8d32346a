//! `GET /jobs/pending`

use axum::extract::State;

use super::list::JobsPage;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{ListQuery, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs::JobFilter;

/// Jobs that wait or are under way, also held and scheduled ones; newest first where nothing else is said.
#[utoipa::path(
    get, path = "/jobs/pending", params(ListQuery),
    responses(
        (status = 200, description = "A page", body = JobsPage),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor is of another list", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, ApiError> {
    let filter = JobFilter { status: Some("pending".to_owned()), ..JobFilter::default() };
    super::list::answer(&http, query.listing(), filter).await
}
