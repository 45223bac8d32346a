//! Public pages of a certificate, without authentication: its verification and its PDF.

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

use crate::domain::PublicId;
use crate::http::{ApiError, ErrorCode, HttpState};
use crate::projection::queries::issuances::{self, IssuanceRow};

/// Value of `Vary`: the request headers on which a public page depends.
pub const DEPENDS: &str = "Accept, Accept-Language";

/// Parses a number in any spelling.
fn parse(number: &str) -> Result<PublicId, ApiError> {
    PublicId::parse(number)
        .map_err(|error| ApiError::new(ErrorCode::NumberMistyped, error.to_string()))
}

/// Finds the issuance with a number in any spelling, if it is public.
///
/// # Errors
/// 404 if the number has a typing error, if it was not issued here, or if its issuance is not
/// public.
async fn find(http: &HttpState, number: &str) -> Result<IssuanceRow, ApiError> {
    let id = parse(number)?;
    let row = issuances::get_by_public_id(&http.database().await?, &id.to_string()).await?;
    row.filter(is_public)
        .ok_or_else(|| ApiError::not_found("certificate here; check the address"))
}

/// Returns true unless the PDF of the issuance could not be created. Nobody has received such a
/// PDF, so the issuance is not public, even if it was revoked.
fn is_public(row: &IssuanceRow) -> bool {
    row.state != "failed" && (row.sha256.is_some() || row.failure_code.is_none())
}

/// Returns true if `Accept` contains JSON but not HTML.
pub fn wants_json(headers: &HeaderMap) -> bool {
    accepted(headers).contains("application/json") && !accepts_page(headers)
}

/// Returns true if `Accept` contains HTML. Browsers send such a header.
pub fn accepts_page(headers: &HeaderMap) -> bool {
    accepted(headers).contains("text/html")
}

fn accepted(headers: &HeaderMap) -> &str {
    headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Public state of an issued certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PublicState {
    /// The certificate was issued here and is valid.
    Valid,
    /// The certificate was issued here, but its PDF does not exist yet.
    Pending,
    /// The certificate was issued here, and the issuer has revoked it.
    Revoked,
}

/// Converts the state of a row to its public state.
fn public_state(row: &IssuanceRow) -> PublicState {
    match row.state.as_str() {
        "generated" => PublicState::Valid,
        "revoked" => PublicState::Revoked,
        _ => PublicState::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_header_selects_html_page_or_json() {
        let asks = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            (wants_json(&headers), accepts_page(&headers))
        };
        assert_eq!(asks("application/json"), (true, false));
        assert_eq!(
            asks("text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"),
            (false, true)
        );
        assert_eq!(asks("*/*"), (false, false));
        assert!(!wants_json(&HeaderMap::new()));
    }
}
