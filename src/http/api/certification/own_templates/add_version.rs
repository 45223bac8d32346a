//! `POST /templates/own/{id}/versions`

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{OwnTemplateAnswer, checked};
use crate::domain::TemplateId;
use crate::domain::certification::template::{Template, TemplateCommand};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Json, Path};
use crate::http::protocol::idempotency::Repeatable;
use crate::http::{Answer, ApiError, HttpState};

/// Source and manifest of a new version.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"source": "#let certificate(d) = {\n  set page(width: 297mm, height: 210mm, margin: 30mm)\n  set text(font: \"EB Garamond\", size: 40pt)\n  align(center + horizon, d.fields.full_name)\n}", "manifest": {"title": {"en": "Diploma", "es": "Diploma"}, "description": {"en": "A plain page.", "es": "Una página sencilla."}, "page": {"size": "a4", "orientation": "landscape"}, "margin": 15, "qr": {"x": 250, "y": 165, "size": 24}, "variables": ["full_name"], "sample": {"full_name": "Ada Lovelace"}}}))]
pub struct AddTemplateVersion {
    /// The Typst source, which defines `certificate(d)`; at most 256 KiB.
    source: String,
    /// Manifest of the template, at most 64 KiB.
    #[schema(value_type = Object)]
    manifest: Value,
}

/// Adds a version to your own template.
///
/// The version is checked like a new template. It is not used before it is activated. A template has at most 100
/// versions.
#[utoipa::path(
    post, path = "/templates/own/{id}/versions", request_body = AddTemplateVersion,
    params(
        ("id" = Uuid, Path, description = "The template's id"),
        Repeatable,
    ),
    responses(
        (status = 201, description = "Added", body = Envelope<OwnTemplateAnswer>),
        (status = 400, description = "VALIDATION_ERROR: details name the field, including fields of the manifest", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "WRONG_STATE: the template has 100 versions, the maximum", body = ErrorEnvelope),
        (status = 422, description = "INVALID_TEMPLATE: details have line, column and a hint", body = ErrorEnvelope),
        (status = 503, description = "BUSY: too many templates are being drawn; try again", body = ErrorEnvelope),
    )
)]
pub async fn add_template_version(
    State(http): State<HttpState>,
    write: Repeatable,
    Path(id): Path<Uuid>,
    Json { value, sha256 }: Json<AddTemplateVersion>,
) -> Result<Answer, ApiError> {
    let id = TemplateId(id);
    write
        .once(&http, sha256, async |command_id| {
            let known = http.commands.load::<Template>(id).await?.state.0;
            if known.is_none_or(|template| template.is_retired) {
                return Err(ApiError::not_found("template"));
            }
            let files = checked::store(&http, id, &value.source, &value.manifest).await?;
            let add = TemplateCommand::AddVersion(files);
            let done = http.commands.execute::<Template>(&write.caller.context(command_id), id, add).await?;
            let template = done.state.0.ok_or_else(|| ApiError::not_found("template"))?;
            let location = http.api_path(&format!("/templates/own/{id}/versions/{}", template.newest()));
            let answer = Answer::ok(&OwnTemplateAnswer::of_state(id, template))?;
            Ok(answer.created(location).at(done.position).version(done.position))
        })
        .await
}
