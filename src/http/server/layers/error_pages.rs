//! HTML error pages for people who open a public URL in a browser.

use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::headers::FORM_PAGES;
use super::observe::RequestId;
use crate::http::api::public::verify::notice::{Notice, page};
use crate::http::api::public::verify::{DEPENDS, accepts_page, chosen, wants_json};
use crate::http::{ErrorCode, HttpState};

/// Paths that only programs use, besides the paths below the API's prefix.
const FOR_PROGRAMS: [&str; 4] = ["/api", "/health", "/metrics", "/certificates"];

/// Replaces the body of an error response by an HTML page, if a browser sent the request and the
/// path is not for programs.
pub async fn error_pages(State(http): State<HttpState>, request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read || is_for_programs(request.uri().path(), &http.settings.prefix) {
        return next.run(request).await;
    }
    let uri = request.uri().clone();
    let headers = request.headers().clone();
    let id = request
        .extensions()
        .get::<RequestId>()
        .map(|id| id.0.clone())
        .unwrap_or_default();
    let response = next.run(request).await;
    let Some(code) = response.extensions().get::<ErrorCode>().copied() else {
        return response;
    };
    if !wants_page(uri.path(), &headers, code) {
        return response;
    }
    let Asked { lang, number } = asked(&uri);
    let locale = chosen(lang.as_deref(), &headers, http.auth.locale);
    let waits = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let notice = Notice::of_error(&http, code, uri.path(), number.as_deref(), waits, &id);
    let Ok(page) = page(&notice, locale) else {
        return response;
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(CONTENT_TYPE);
    parts
        .headers
        .insert(VARY, HeaderValue::from_static(DEPENDS));
    parts
        .headers
        .insert(CONTENT_LANGUAGE, HeaderValue::from_static(locale.as_str()));
    parts.headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(FORM_PAGES),
    );
    (parts.status, parts.headers, page).into_response()
}

/// Query parameters of public pages. Other parameters are ignored.
#[derive(Default, Deserialize)]
struct Asked {
    lang: Option<String>,
    number: Option<String>,
}

fn asked(uri: &Uri) -> Asked {
    axum::extract::Query::<Asked>::try_from_uri(uri)
        .map(|query| query.0)
        .unwrap_or_default()
}

/// Returns true for a path that people do not open in a browser.
fn is_for_programs(path: &str, prefix: &str) -> bool {
    let below = |parent: &str| {
        path.strip_prefix(parent)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    FOR_PROGRAMS.into_iter().any(below)
        || (!prefix.is_empty() && below(prefix))
        || path.ends_with(".json")
}

/// Returns true if the error is sent as an HTML page. Browsers get a page. A 404 of a verification
/// page is an HTML page for all clients except those that ask for JSON, as is the verification page
/// itself.
fn wants_page(path: &str, headers: &HeaderMap, code: ErrorCode) -> bool {
    let is_page =
        path == "/verify" || (path.starts_with("/certificate/") && !path.ends_with("/download"));
    accepts_page(headers) || (is_page && code.status() == 404 && !wants_json(headers))
}

#[cfg(test)]
mod tests {
    use axum::http::header::ACCEPT;

    use super::*;

    #[test]
    fn error_pages_are_shown_only_to_browsers() {
        let shows = |path: &str, accept: Option<&'static str>, code| {
            let mut headers = HeaderMap::new();
            headers.extend(accept.map(|accept| (ACCEPT, HeaderValue::from_static(accept))));
            !is_for_programs(path, "/api/v1") && wants_page(path, &headers, code)
        };
        let browser = Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
        for path in [
            "/certificate/00",
            "/certificate/00/download",
            "/verify",
            "/nowhere",
        ] {
            for code in [
                ErrorCode::NotFound,
                ErrorCode::Busy,
                ErrorCode::TooManyRequests,
            ] {
                assert!(shows(path, browser, code), "{path}");
                assert!(!shows(path, Some("application/json"), code), "{path}");
            }
        }
        for path in ["/certificate/00", "/verify"] {
            for accept in [None, Some("*/*")] {
                assert!(shows(path, accept, ErrorCode::NumberMistyped), "{path}");
                assert!(!shows(path, accept, ErrorCode::Busy), "{path}");
            }
        }
        for path in ["/certificate/00/download", "/nowhere"] {
            for accept in [None, Some("*/*")] {
                assert!(!shows(path, accept, ErrorCode::NotFound), "{path}");
            }
        }
        for path in [
            "/api/v1/jobs",
            "/api/docs",
            "/health/ready",
            "/metrics",
            "/certificate/00.json",
        ] {
            assert!(!shows(path, browser, ErrorCode::NotFound), "{path}");
        }
        assert!(shows("/apiary", browser, ErrorCode::NotFound));
    }
}
