//! `GET /health/ready`

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::protocol::answer::Envelope;
use crate::http::{Answer, ApiError, HttpState};

/// Readiness of the server.
#[derive(Serialize, ToSchema)]
pub struct ReadyAnswer {
    /// `ok` or `unavailable`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Returns the readiness of the server to serve requests.
///
/// The answer is at most 1 s old. The management listener names the missing dependencies.
#[utoipa::path(
    get, path = "/health/ready",
    responses(
        (status = 200, description = "The server is ready", body = Envelope<ReadyAnswer>),
        (status = 503, description = "The server is not ready; `success` is false", body = Envelope<ReadyAnswer>),
    )
)]
pub async fn get_readiness(State(http): State<HttpState>) -> Result<Answer, ApiError> {
    if http.readiness.report().await.is_ready() {
        Answer::ok(&ReadyAnswer { status: "ok" })
    } else {
        Answer::unavailable(&ReadyAnswer { status: "unavailable" })
    }
}
