//! Code shared by the endpoints that delete a resource.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::{ApiError, ErrorCode, HttpState};
use crate::projection::queries::issuances;
use crate::projection::queries::listing::{Conditions, MAX_COUNTED};

/// The deleted resource.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    /// Id of the resource.
    pub id: Uuid,
}

/// Rejects the deletion of a resource that has issuances. They are counted in the query tables,
/// after these contain all events that are in the log now. An issuance that is requested at the
/// same moment does no harm, because it pins everything that it is made of.
///
/// # Errors
/// 409 if there are issuances; 503 if the tables do not catch up in time.
pub async fn check_unused(
    http: &HttpState,
    issued: &Conditions,
    what: &str,
    instead: &str,
) -> Result<(), ApiError> {
    http.wait_until_caught_up().await?;
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
