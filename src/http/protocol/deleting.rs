//! Code that all endpoints for deleting a resource share.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::protocol::waiting::Patience;
use crate::http::{ApiError, ErrorCode, HttpState};
use crate::projection::queries::issuances;
use crate::projection::queries::listing::{Conditions, MAX_COUNTED};

/// Resource that was deleted.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    /// Id of the resource.
    pub id: Uuid,
}

/// Rejects the deletion of a resource that has issuances. First waits until the query tables
/// contain all events that are in the log at this moment, then counts the issuances in the tables.
/// An issuance that is requested after that can still be drawn, because its event contains
/// everything that it needs.
///
/// # Errors
/// 409 if there are issuances; 503 if the query tables do not catch up in time.
pub async fn check_unused(
    http: &HttpState,
    patience: &Patience,
    issued: &Conditions,
    what: &str,
    instead: &str,
) -> Result<(), ApiError> {
    patience.until_caught_up(http, &["issuances"]).await?;
    let count = issuances::count(&http.database().await?, issued).await?;
    let times = match count {
        Some(0) => return Ok(()),
        Some(1) => "once".to_owned(),
        Some(count) => format!("{count} times"),
        None => format!("more than {MAX_COUNTED} times"),
    };
    Err(ApiError::new(
        ErrorCode::InUse,
        format!("{what} {times} and can't be deleted; {instead}"),
    ))
}
