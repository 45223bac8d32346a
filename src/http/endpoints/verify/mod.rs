//! What anybody can see of a certificate without login: that it is genuine, and the PDF.

pub mod disposition;
pub mod download;
pub mod page;
pub mod ranges;
pub mod verification;
mod words;

pub(super) use words::chosen;

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

/// Where an issued certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It was issued here, and holds.
    Valid,
    /// It was issued here, and there is no PDF yet.
    Pending,
    /// It was issued here, and the issuer took it back.
    Revoked,
}

/// The one place that says what a row's state means to the public.
fn standing(row: &IssuanceRow) -> Standing {
    match row.state.as_str() {
        "generated" => Standing::Valid,
        "revoked" => Standing::Revoked,
        _ => Standing::Pending,
    }
}
