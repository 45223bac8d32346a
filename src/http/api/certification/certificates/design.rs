//! Public file of a design.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::{DESIGNS, MAX_DESIGN_BYTES};
use crate::http::protocol::extract::Path;
use crate::http::server::layers::headers::CROSS_ORIGIN_RESOURCE_POLICY;
use crate::http::{ApiError, HttpState};
use crate::storage::ObjectKey;

/// Returns a design image. Its URL has a random part, and its bytes never change.
#[utoipa::path(
    get, path = "/certificates/design_images/{folder}/{file}",
    params(
        ("folder" = String, Path, description = "Client and year", example = "acme_2026"),
        ("file" = String, Path, description = "Name, id and extension", example = "gold_frame_5f0c3a52-8a0e-4c1e-9d53-27e10c8bf4a6.jpg"),
    ),
    responses(
        (status = 200, description = "The image", content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"))),
    )
)]
pub async fn get_design_file(
    State(http): State<HttpState>,
    Path((folder, file)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let missing = || ApiError::not_found("design");
    let content_type = match file.rsplit_once('.') {
        Some((_, "jpg")) => "image/jpeg",
        Some((_, "png")) => "image/png",
        Some((_, "webp")) => "image/webp",
        _ => return Err(missing()),
    };
    // A path parameter can contain an encoded slash, but the key of a design has exactly two parts
    // after the prefix.
    if folder.contains('/') || file.contains('/') {
        return Err(missing());
    }
    let key = ObjectKey::parse(&format!("{DESIGNS}{folder}/{file}")).map_err(|_| missing())?;
    let bytes = http
        .storage
        .get(&key, MAX_DESIGN_BYTES)
        .await?
        .ok_or_else(missing)?;
    // Mails and web pages of other origins may also show the image.
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"),
    ];
    Ok((headers, bytes).into_response())
}
