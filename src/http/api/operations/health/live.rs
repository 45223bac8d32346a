//! `GET /health/live`

use super::{ALIVE, Alive};
use crate::http::protocol::answer::Envelope;
use crate::http::{Answer, ApiError};

/// Confirms that the process is alive. If there is no answer, restart the process.
#[utoipa::path(get, path = "/health/live", responses((status = 200, description = "The process is alive", body = Envelope<Alive>)))]
pub async fn get_liveness() -> Result<Answer, ApiError> {
    Answer::ok(&ALIVE)
}
