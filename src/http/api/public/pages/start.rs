//! Start page and OpenAPI document.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;
use axum::response::Html;
use serde_json::json;

use crate::http::server::assemble;
use crate::http::{ApiError, HttpState};

const TEMPLATE: &str = include_str!("index.html");

/// Shows a page with links to the other pages of this server.
#[utoipa::path(
    get, path = "/",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub async fn show_start_page(State(http): State<HttpState>) -> Result<Html<String>, ApiError> {
    let version = env!("CARGO_PKG_VERSION");
    super::render(
        TEMPLATE,
        &json!({"version": version, "catches_mails": http.caught_mails.is_some()}),
    )
}

/// Returns the OpenAPI 3.1 document of this server.
#[utoipa::path(
    get, path = "/api/openapi.json",
    responses((status = 200, description = "The document", body = Object, content_type = "application/json"))
)]
pub async fn get_openapi_document(
    State(http): State<HttpState>,
) -> ([(HeaderName, &'static str); 1], Bytes) {
    (
        [(CONTENT_TYPE, "application/json")],
        assemble::served_document(&http),
    )
}
