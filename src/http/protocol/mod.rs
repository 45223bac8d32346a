//! Protocol of the API: reading requests, writing answers and errors, and the OpenAPI document.

pub mod answer;
pub mod api_error;
pub mod cursor;
pub mod deleting;
pub mod endpoint;
pub mod error_code;
pub mod error_mapping;
pub mod export;
pub mod extract;
pub mod field_problem;
pub mod idempotency;
pub mod intake;
pub mod openapi;
pub(in crate::http) mod pieces;
pub mod progress_stream;
pub mod timestamp;
pub mod waiting;

use super::ApiError;
use crate::event_log::Position;

/// Converts the last position of a row, which is its version.
pub(in crate::http) fn position(stored: i64) -> Result<Position, ApiError> {
    Position::try_from(stored).map_err(ApiError::internal)
}
