//! `GET /jobs/pending`

use axum::extract::State;

use super::list::JobsPage;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{ListQuery, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs::JobFilter;

/// Lists jobs that wait or are being sent, including held and scheduled jobs; newest first by default.
#[utoipa::path(
    get, path = "/jobs/pending", params(ListQuery),
    responses(
        (status = 200, description = "A page", body = JobsPage),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor belongs to another list", body = ErrorEnvelope),
    )
)]
pub async fn list_pending_jobs(
    State(http): State<HttpState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, ApiError> {
    let filter = JobFilter { status: Some("pending".to_owned()), ..JobFilter::default() };
    super::list::answer(&http, query.listing(), filter).await
}
