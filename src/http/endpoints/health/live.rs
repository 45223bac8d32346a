//! `GET /health/live`

use super::{ALIVE, Alive};
use crate::http::answer::Envelope;
use crate::http::{Answer, ApiError};

/// Whether the process lives; where it doesn't, restart it.
#[utoipa::path(get, path = "/health/live", responses((status = 200, description = "It lives", body = Envelope<Alive>)))]
pub async fn handle() -> Result<Answer, ApiError> {
    Answer::ok(&ALIVE)
}
