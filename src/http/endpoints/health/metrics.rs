//! `GET /metrics`

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::http::{ApiError, HttpState};

/// The Prometheus text format, version 0.0.4.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics in Prometheus' text format. They name no person; still, keep them from the public.
#[utoipa::path(
    get, path = "/metrics",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"))
)]
pub async fn handle(State(http): State<HttpState>) -> Result<Response, ApiError> {
    let metrics =
        http.metrics.as_ref().ok_or_else(|| ApiError::not_found("page; metrics are switched off"))?;
    metrics.run_upkeep();
    Ok(([(CONTENT_TYPE, TEXT)], metrics.render()).into_response())
}
