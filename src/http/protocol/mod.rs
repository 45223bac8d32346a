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
pub mod idempotency;
pub mod intake;
pub mod openapi;
pub(in crate::http) mod pieces;
pub mod progress_stream;
pub mod waiting;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ApiError;
use crate::event_log::Position;

/// Formats a time for answers: RFC 3339, in UTC.
pub(in crate::http) fn rfc3339(time: OffsetDateTime) -> String {
    // Years after 9999 have no such form; they do not occur here.
    time.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

/// Converts the last position of a row, which is its version.
pub(in crate::http) fn position(stored: i64) -> Result<Position, ApiError> {
    Position::try_from(stored).map_err(ApiError::internal)
}
