//! `POST /certificates/upload-design`

use axum::extract::{Request, State};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MAX_DESIGN_BYTES, design_url};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::rfc3339;
use crate::http::extract::IdempotencyKey;
use crate::http::extract::upload::Upload;
use crate::http::idempotency::{self, created_by, once};
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};
use crate::storage::design_key;

mod image_check;

/// The client whose design it is, where none is named.
const DEFAULT_CLIENT: &str = "general";

/// A design image and what it is for.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes the multipart body for the OpenAPI document")]
pub struct DesignForm {
    /// JPEG, PNG or WebP; at most 10 MiB and 50 megapixels.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The design's name, 1–200 characters.
    name: String,
    /// For people; at most 1,000 characters.
    description: Option<String>,
    /// The organisation; `general` if absent.
    client: Option<String>,
}

/// Where the design is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DesignAnswer {
    /// Give it as `baseDesignUrl` of a certificate.
    url: String,
    /// Where it is stored.
    key: String,
    /// The name that the file had.
    original_name: String,
    /// Bytes.
    size: u64,
    /// What it is, by its content.
    #[schema(example = "image/png")]
    mime_type: &'static str,
    /// Pixels across.
    width: u32,
    /// Pixels down.
    height: u32,
    /// What was said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// When it was stored (RFC 3339).
    uploaded_at: String,
}

/// Upload the image behind a certificate's text, best in A4 landscape.
///
/// What it is, its content says, and not its name. SVG is not taken.
#[utoipa::path(
    post, path = "/certificates/upload-design",
    request_body(content = DesignForm, content_type = "multipart/form-data"),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless")),
    responses(
        (status = 201, description = "Stored", body = Envelope<DesignAnswer>),
        (status = 413, description = "FILE_TOO_LARGE", body = ErrorEnvelope),
        (status = 415, description = "UNKNOWN_FORMAT: neither JPEG, PNG nor WebP", body = ErrorEnvelope),
        (status = 422, description = "INVALID_IMAGE, IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    request: Request,
) -> Result<Answer, ApiError> {
    let limit = MAX_DESIGN_BYTES.min(http.settings.upload_limit_bytes);
    let upload = Upload::read(&http, request, limit, &["name", "description", "client"]).await?;
    let route = "POST /certificates/upload-design";
    let body_sha256 = upload.sha256();
    let request = idempotency::Request { caller: &caller, route, key, body_sha256, keep_answer: true };
    once(&http, request, async |command_id| store(&http, &upload, created_by(command_id, "design")).await)
        .await
}

async fn store(http: &HttpState, upload: &Upload, id: Uuid) -> Result<Answer, ApiError> {
    let name = bounded(upload, "name", 200)?.ok_or_else(|| ApiError::field("name", "is missing"))?;
    let client = bounded(upload, "client", 200)?.unwrap_or(DEFAULT_CLIENT);
    let description = bounded(upload, "description", 1_000)?.map(str::to_owned);
    let bytes: bytes::Bytes = tokio::fs::read(upload.file.path()).await.map_err(ApiError::internal)?.into();
    let slot = http.image_slots.clone().acquire_owned().await.map_err(ApiError::internal)?;
    let looked_at = bytes.clone();
    let checked = tokio::task::spawn_blocking(move || (image_check::check(&looked_at), drop(slot)).0).await;
    let image = checked.map_err(ApiError::internal)?.map_err(refuse)?;
    let now: OffsetDateTime = http.now();
    let key = design_key(client, now.year(), name, id, image.kind.extension());
    let key = key.map_err(ApiError::internal)?;
    http.storage.put_new(&key, bytes).await?;
    let url = design_url(http, key.as_str());
    let answer = DesignAnswer {
        url: url.clone(),
        key: key.to_string(),
        original_name: upload.file.name.clone(),
        size: upload.file.size,
        mime_type: image.kind.mime_type(),
        width: image.width,
        height: image.height,
        description,
        uploaded_at: rfc3339(now),
    };
    Ok(Answer::ok(&answer)?.created(url))
}

fn bounded<'u>(upload: &'u Upload, name: &str, most: usize) -> Result<Option<&'u str>, ApiError> {
    match upload.text(name) {
        Some(text) if text.chars().count() > most => {
            Err(ApiError::field(name, format!("give at most {most} characters")))
        }
        text => Ok(text),
    }
}

fn refuse(problem: image_check::NotTaken) -> ApiError {
    let code = match problem {
        image_check::NotTaken::Svg | image_check::NotTaken::Unknown => ErrorCode::UnknownFormat,
        image_check::NotTaken::TooManyPixels { .. } | image_check::NotTaken::Broken => {
            ErrorCode::InvalidImage
        }
    };
    let message = problem.to_string();
    ApiError { details: vec![format!("file: {message}")], ..ApiError::new(code, message) }
}
