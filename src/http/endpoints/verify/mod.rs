//! What anybody can see of a certificate without login: that it is genuine, and the PDF.

pub mod disposition;
pub mod download;
pub mod enter;
pub mod notice;
mod notice_words;
pub mod page;
pub mod ranges;
pub mod verification;
mod words;

pub(in crate::http) use words::chosen;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

use super::super::{ApiError, ErrorCode, HttpState};
use crate::domain::PublicId;
use crate::projection::queries::issuances::{self, IssuanceRow};

/// Request headers that a public page depends on.
pub const DEPENDS: &str = "Accept, Accept-Language";

/// Reads a number in any form.
fn parse(number: &str) -> Result<PublicId, ApiError> {
    PublicId::parse(number).map_err(|error| ApiError::new(ErrorCode::NumberMistyped, error.to_string()))
}

/// Finds the issuance of a number in any form, if the public may know it.
///
/// # Errors
/// 404: the number is mistyped, or was not issued here.
async fn find(http: &HttpState, number: &str) -> Result<IssuanceRow, ApiError> {
    let id = parse(number)?;
    let row = issuances::get_by_public_id(&http.database().await?, &id.to_string()).await?;
    row.filter(is_public).ok_or_else(|| ApiError::not_found("certificate here; check the address"))
}

/// Returns false for an issuance whose PDF could not be made: nobody outside has it, revoked or not.
fn is_public(row: &IssuanceRow) -> bool {
    row.state != "failed" && (row.sha256.is_some() || row.failure_code.is_none())
}

/// Returns true if the client asked for JSON, and not together with a page.
pub fn wants_json(headers: &HeaderMap) -> bool {
    accepted(headers).contains("application/json") && !accepts_page(headers)
}

/// Returns true if the client asked for a page, as browsers do.
pub fn accepts_page(headers: &HeaderMap) -> bool {
    accepted(headers).contains("text/html")
}

fn accepted(headers: &HeaderMap) -> &str {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_the_page_and_programs_json() {
        let asks = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            (wants_json(&headers), accepts_page(&headers))
        };
        assert_eq!(asks("application/json"), (true, false));
        assert_eq!(asks("text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"), (false, true));
        assert_eq!(asks("*/*"), (false, false));
        assert!(!wants_json(&HeaderMap::new()));
    }
}
