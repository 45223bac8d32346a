//! What deleting has in common, whatever is deleted.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ApiError, ErrorCode, HttpState};
use crate::projection::queries::issuances::{self, IssuanceFilter};
use crate::projection::queries::listing::MAX_COUNTED;

/// What was deleted.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    /// Its id.
    pub id: Uuid,
}

/// Refuses to delete what has issuances. They are counted in the tables, once these show everything that is in
/// the log now. One that is asked for at the very same moment does no harm: it pins whatever it is made of.
///
/// # Errors
/// 409, if there are some; 503, if the tables don't get there.
pub async fn check_unused(
    http: &HttpState,
    issued: IssuanceFilter,
    what: &str,
    instead: &str,
) -> Result<(), ApiError> {
    http.tables_are_level().await?;
    let count = issuances::count(&http.database().await?, issued).await?;
    let times = match count {
        Some(0) => return Ok(()),
        Some(1) => "once".to_owned(),
        Some(count) => format!("{count} times"),
        None => format!("more than {MAX_COUNTED} times"),
    };
    Err(ApiError::new(ErrorCode::InUse, format!("{what} {times} and can't be deleted; {instead}")))
}
