//! `GET /health/ready`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::answer::Envelope;
use crate::http::{Answer, ApiError, HttpState};

/// Whether requests can be served.
#[derive(Serialize, ToSchema)]
pub struct ReadyAnswer {
    /// `ok` or `unavailable`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Tells if requests can be served.
///
/// The answer is at most a second old. What is missing is said on the management listener.
#[utoipa::path(
    get, path = "/health/ready",
    responses(
        (status = 200, description = "They can", body = Envelope<ReadyAnswer>),
        (status = 503, description = "They can't; success is false", body = Envelope<ReadyAnswer>),
    )
)]
pub async fn handle(State(http): State<HttpState>) -> Result<Answer, ApiError> {
    if http.readiness.report().await.is_ready() {
        Answer::ok(&ReadyAnswer { status: "ok" })
    } else {
        Answer::unavailable(&ReadyAnswer { status: "unavailable" })
    }
}
