//! `GET /`

use axum::extract::State;
use axum::response::Html;
use serde_json::json;

use crate::http::{ApiError, HttpState};

const TEMPLATE: &str = include_str!("index.html");

/// Shows a page with links to the other pages of this server.
#[utoipa::path(
    get, path = "/",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub async fn show_start_page(State(http): State<HttpState>) -> Result<Html<String>, ApiError> {
    let version = env!("CARGO_PKG_VERSION");
    super::render(TEMPLATE, &json!({"version": version, "catches_mails": http.caught_mails.is_some()}))
}
