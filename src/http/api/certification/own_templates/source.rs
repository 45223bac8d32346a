//! `GET /templates/own/{id}/versions/{version}`

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::TemplateId;
use crate::domain::certification::template::Template;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::{Answer, ApiError, HttpState};

/// Source and manifest of a version.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"id": "5f0c3a52-8a0e-4c1e-9d53-27e10c8bf4a6", "version": 1, "source": "#let certificate(d) = {\n  set page(width: 297mm, height: 210mm, margin: 30mm)\n  set text(font: \"EB Garamond\", size: 40pt)\n  align(center + horizon, d.fields.full_name)\n}", "manifest": {"title": {"en": "Diploma", "es": "Diploma"}, "description": {"en": "A plain page.", "es": "Una página sencilla."}, "page": {"size": "a4", "orientation": "landscape"}, "margin": 15, "qr": {"x": 250, "y": 165, "size": 24}, "variables": ["full_name"], "sample": {"full_name": "Ada Lovelace"}}}))]
pub struct OwnTemplateSource {
    /// Id of the template.
    id: Uuid,
    /// The version.
    #[schema(example = 1)]
    version: u32,
    /// The Typst source.
    source: String,
    /// The manifest.
    #[schema(value_type = Object)]
    manifest: Value,
}

/// Returns source and manifest of a version.
#[utoipa::path(
    get, path = "/templates/own/{id}/versions/{version}",
    params(
        ("id" = Uuid, Path, description = "The template's id"),
        ("version" = u32, Path, description = "The version, from 1"),
    ),
    responses(
        (status = 200, description = "The version", body = Envelope<OwnTemplateSource>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_template_version(
    State(http): State<HttpState>,
    Path((id, version)): Path<(Uuid, u32)>,
) -> Result<Answer, ApiError> {
    let template = http.commands.load::<Template>(TemplateId(id)).await?.state.0;
    let template = template.filter(|template| !template.is_retired);
    let files = template.as_ref().and_then(|template| template.version(version));
    let files = files.ok_or_else(|| ApiError::not_found("version of this template"))?;
    let (source, manifest) = http.rendering.template(files).await?;
    let manifest = serde_json::to_value(manifest).map_err(ApiError::internal)?;
    Answer::ok(&OwnTemplateSource { id, version, source, manifest })
}
