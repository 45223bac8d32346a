//! `GET /api/openapi.json`

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;

use crate::http::HttpState;
use crate::http::server::assemble;

/// Returns the OpenAPI 3.1 document of this server.
#[utoipa::path(
    get, path = "/api/openapi.json",
    responses((status = 200, description = "The document", body = Object, content_type = "application/json"))
)]
pub async fn get_openapi_document(State(http): State<HttpState>) -> ([(HeaderName, &'static str); 1], Bytes) {
    ([(CONTENT_TYPE, "application/json")], assemble::served_document(&http))
}
