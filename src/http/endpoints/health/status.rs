//! `GET /health`

use super::{ALIVE, Alive};
use crate::http::answer::Envelope;
use crate::http::{Answer, ApiError};

/// Whether the server answers. `/health/ready` tells whether what it depends on does.
#[utoipa::path(get, path = "/health", responses((status = 200, description = "It does", body = Envelope<Alive>)))]
pub async fn handle() -> Result<Answer, ApiError> {
    Answer::ok(&ALIVE)
}
