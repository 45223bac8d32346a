//! Public page of a certificate.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LANGUAGE, VARY};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::verification::{Verification, verification};
use super::words::{Words, chosen, long_date, words};
use super::{DEPENDS, wants_json};
use crate::domain::Locale;
use crate::http::api::public::pages::render;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Path, Query};
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{Answer, ApiError, HttpState};

const TEMPLATE: &str = include_str!("page.html");

/// Query parameters of a certificate's page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Language of the page: `en` or `es`. Other values are ignored.
    #[param(example = "es")]
    lang: Option<String>,
}

/// Shows whether a certificate is genuine and valid.
///
/// The response is a page in the language of `lang`, `Accept-Language` or the certificate. It is
/// JSON if `Accept` contains `application/json` but not `text/html`, or if `.json` follows the
/// public id. The same path also works below the API's prefix. In the number, case, spaces, hyphens
/// and a punctuation mark at the end are ignored.
#[utoipa::path(
    get, path = "/certificate/{publicId}",
    params(
        ("publicId" = String, Path, description = "The public id: 32 hex digits, or the number on the certificate", example = "00112233445566778899aabbccddeeff"),
        ("Accept-Language" = Option<String>, Header, description = "Preferred languages", example = "es-CO, en;q=0.5"),
        PageQuery,
    ),
    responses(
        (status = 200, description = "The certificate was issued here", content((String = "text/html"), (Envelope<Verification> = "application/json"))),
        (status = 404, description = "NOT_FOUND: no certificate with this id was issued here. NUMBER_MISTYPED: the number has a typing error", content((String = "text/html"), (ErrorEnvelope = "application/json"))),
    )
)]
pub async fn show_certificate(
    State(http): State<HttpState>,
    Path(public_id): Path<String>,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (public_id, json) = match public_id.strip_suffix(".json") {
        Some(public_id) => (public_id, true),
        None => (public_id.as_str(), wants_json(&headers)),
    };
    let row = super::find(&http, public_id).await?;
    let verification = verification(&http, row);
    if json {
        return Ok(([(VARY, DEPENDS)], Answer::ok(&verification)?).into_response());
    }
    let own = verification.locale.parse().unwrap_or_default();
    let locale = chosen(query.lang.as_deref(), &headers, own);
    let described = [(VARY, DEPENDS), (CONTENT_LANGUAGE, locale.as_str())];
    Ok((
        described,
        render(TEMPLATE, &Page::of(&verification, locale))?,
    )
        .into_response())
}

/// Values and texts of the page.
#[derive(Serialize)]
struct Page<'v> {
    v: &'v Verification,
    t: Words,
    issued_on: String,
    revoked_on: Option<String>,
    checked_on: String,
}

impl<'v> Page<'v> {
    fn of(v: &'v Verification, locale: Locale) -> Self {
        let date = |text: &str| long_date(text.get(..10).unwrap_or(text), locale);
        let day = |time: Timestamp| date(&time.to_string());
        Self {
            v,
            t: words(locale),
            issued_on: date(&v.issue_date),
            revoked_on: v.revoked_at.map(day),
            checked_on: day(v.checked_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::verification::samples::verification;
    use super::*;

    #[test]
    fn page_renders_in_both_languages_with_escaped_values() {
        for locale in Locale::ALL {
            let page = render(TEMPLATE, &Page::of(&verification("valid"), locale))
                .unwrap()
                .0;
            insta::assert_snapshot!(format!("page_{locale}"), page);
            assert!(!page.contains("<b>") && !page.contains("<script"));
        }
    }

    #[test]
    fn revoked_certificate_has_a_revoked_heading_and_no_download() {
        let revoked_at = Some(Timestamp(time::macros::datetime!(2026-11-22 10:00 UTC)));
        let revoked = Verification {
            revoked_at,
            download_url: None,
            ..verification("revoked")
        };
        let page = render(TEMPLATE, &Page::of(&revoked, Locale::En)).unwrap().0;
        assert!(
            page.contains("<h1 class=\"revoked\">") && !page.contains("class=\"download\""),
            "{page}"
        );
        assert!(page.contains("22 November 2026"), "{page}");
        let hidden = Verification {
            full_name: None,
            ..verification("valid")
        };
        let page = render(TEMPLATE, &Page::of(&hidden, Locale::En)).unwrap().0;
        assert!(!page.contains("Awarded to"), "{page}");
    }
}
