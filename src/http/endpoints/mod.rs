//! Endpoints of the API: one folder per noun, and one file per endpoint with its request, answer, handler, OpenAPI
//! annotation and errors.

pub mod api_keys;
pub mod attendees;
pub mod auth;
pub mod batches;
pub mod certificates;
pub mod delivery;
pub mod generated_certificates;
pub mod health;
pub mod imports;
pub mod issuing;
pub mod jobs;
pub mod mails;
pub mod own_templates;
pub mod pages;
mod template_checks;
pub mod templates;
pub mod users;
pub mod verify;
pub mod what_if;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ApiError;
use crate::event_log::Position;

/// Formats a time for answers: RFC 3339, in UTC.
fn rfc3339(time: OffsetDateTime) -> String {
    // Years after 9999 have no such form; they do not occur here.
    time.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

/// Converts the last position of a row, which is its version.
fn position(stored: i64) -> Result<Position, ApiError> {
    Position::try_from(stored).map_err(ApiError::internal)
}
