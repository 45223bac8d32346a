//! Page on which a visitor can enter the number of a certificate.

use axum::extract::State;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, LOCATION, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::notice::{Notice, page};
use super::{DEPENDS, chosen, parse};
use crate::domain::Locale;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Query;
use crate::http::server::layers::headers::FORM_PAGES;
use crate::http::{ApiError, HttpState};

/// Query parameters of the page for entering a number.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EnterQuery {
    /// Number on the certificate, in any spelling, or the URL of the certificate.
    #[param(example = "0024H-36H2N-CSVRH-6DAQF-6DVVQ-ZW")]
    number: Option<String>,
    /// Language of the page: `en` or `es`. Other values are ignored.
    #[param(example = "es")]
    lang: Option<String>,
}

/// Shows a page with a form for the number of a certificate.
///
/// With `number`, the response is a redirect to the page of the certificate. The form works without
/// JavaScript.
#[utoipa::path(
    get, path = "/verify",
    params(
        ("Accept-Language" = Option<String>, Header, description = "Preferred languages", example = "es-CO, en;q=0.5"),
        EnterQuery,
    ),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 303, description = "Redirect to the certificate's page; see `Location`"),
        (status = 404, description = "NUMBER_MISTYPED: the number has a typing error", content((String = "text/html"), (ErrorEnvelope = "application/json"))),
    )
)]
pub async fn enter_certificate_number(
    State(http): State<HttpState>,
    Query(query): Query<EnterQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let named: Option<Locale> = query.lang.as_deref().and_then(|lang| lang.parse().ok());
    let Some(number) = query.number.filter(|number| !number.trim().is_empty()) else {
        let locale = chosen(query.lang.as_deref(), &headers, http.auth.locale);
        let described = [
            (VARY, DEPENDS),
            (CONTENT_LANGUAGE, locale.as_str()),
            (CONTENT_SECURITY_POLICY, FORM_PAGES),
        ];
        return Ok((
            described,
            page(&Notice::form(&http, named.is_some()), locale)?,
        )
            .into_response());
    };
    let id = parse(&number)?;
    let lang = named
        .map(|locale| format!("?lang={locale}"))
        .unwrap_or_default();
    let location = http.public_path(&format!("/certificate/{id}{lang}"));
    Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}
