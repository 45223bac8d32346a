//! `GET /health`

use super::{ALIVE, Alive};
use crate::http::protocol::answer::Envelope;
use crate::http::{Answer, ApiError};

/// Confirms that the server answers. `/health/ready` also checks its dependencies.
#[utoipa::path(get, path = "/health", responses((status = 200, description = "The server answers", body = Envelope<Alive>)))]
pub async fn get_health() -> Result<Answer, ApiError> {
    Answer::ok(&ALIVE)
}
