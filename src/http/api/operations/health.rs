//! Health checks for monitors and orchestrators. Details and metrics are available on the
//! management listener.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::protocol::answer::Envelope;
use crate::http::protocol::names::HealthStatusName;
use crate::http::{Answer, ApiError, HttpState};

/// Confirmation that the process answers.
#[derive(Serialize, ToSchema)]
pub struct Alive {
    /// Always `ok`.
    #[schema(value_type = HealthStatusName)]
    status: &'static str,
    /// Version of the program.
    version: &'static str,
}

const ALIVE: Alive = Alive {
    status: "ok",
    version: env!("CARGO_PKG_VERSION"),
};

/// Confirms that the server answers. To check its dependencies as well, use `/health/ready`.
#[utoipa::path(get, path = "/health", responses((status = 200, description = "The server answers", body = Envelope<Alive>)))]
pub async fn get_health() -> Result<Answer, ApiError> {
    Answer::ok(&ALIVE)
}

/// Confirms that the process is alive. If it does not answer, it should be restarted.
#[utoipa::path(get, path = "/health/live", responses((status = 200, description = "The process is alive", body = Envelope<Alive>)))]
pub async fn get_liveness() -> Result<Answer, ApiError> {
    Answer::ok(&ALIVE)
}

/// Readiness of the server.
#[derive(Serialize, ToSchema)]
pub struct ReadyAnswer {
    /// `ok`, `degraded` if only some requests can be served, or `unavailable`.
    #[schema(value_type = HealthStatusName)]
    status: &'static str,
}

/// Returns whether the server is ready to serve requests.
///
/// The response is at most 1 s old. The management listener shows which dependencies are
/// unavailable.
#[utoipa::path(
    get, path = "/health/ready",
    responses(
        (status = 200, description = "The server is ready", body = Envelope<ReadyAnswer>),
        (status = 503, description = "The server is not ready; `success` is false", body = Envelope<ReadyAnswer>),
    )
)]
pub async fn get_readiness(State(http): State<HttpState>) -> Result<Answer, ApiError> {
    let report = http.readiness.report().await;
    let answer = ReadyAnswer {
        status: report.status,
    };
    if report.is_ready() {
        Answer::ok(&answer)
    } else {
        Answer::unavailable(&answer)
    }
}
