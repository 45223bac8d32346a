//! What anybody can see of a certificate without login: that it is genuine, and the PDF.

pub mod disposition;
pub mod download;
pub mod page;

use super::super::{ApiError, HttpState};
use crate::projection::queries::issuances::{self, IssuanceRow};

/// The issuance behind a public id; nothing for what can't be one.
async fn find(http: &HttpState, public_id: &str) -> Result<Option<IssuanceRow>, ApiError> {
    let could_be =
        public_id.len() == 32 && public_id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !could_be {
        return Ok(None);
    }
    Ok(issuances::get_by_public_id(&http.database().await?, public_id).await?)
}
