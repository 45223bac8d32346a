//! `GET /api/openapi.json`

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use crate::http::{HttpState, assemble};

/// The OpenAPI 3.1 document of this server.
#[utoipa::path(
    get, path = "/api/openapi.json",
    responses((status = 200, description = "The document", body = Object, content_type = "application/json"))
)]
pub async fn handle(State(http): State<HttpState>) -> Json<Value> {
    Json(assemble::served_document(&http))
}
