//! `POST /templates/own`

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{OwnTemplateAnswer, checked};
use crate::domain::TemplateId;
use crate::domain::certification::template::{Template, TemplateCommand};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::{Answer, ApiError, HttpState};

/// Name, source and manifest of a new template.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Diploma 2026", "source": "#let certificate(d) = {\n  set page(width: 297mm, height: 210mm, margin: 30mm)\n  set text(font: \"EB Garamond\", size: 40pt)\n  align(center + horizon, d.fields.full_name)\n}", "manifest": {"title": {"en": "Diploma", "es": "Diploma"}, "description": {"en": "A plain page.", "es": "Una página sencilla."}, "page": {"size": "a4", "orientation": "landscape"}, "margin": 15, "qr": {"x": 250, "y": 165, "size": 24}, "variables": ["full_name"], "sample": {"full_name": "Ada Lovelace"}}}))]
pub struct CreateOwnTemplate {
    /// Name of the template, 1–200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Diploma 2026")]
    name: String,
    /// The Typst source, which defines `certificate(d)`; at most 256 KiB.
    source: String,
    /// Manifest of the template, at most 64 KiB.
    #[schema(value_type = Object)]
    manifest: Value,
}

/// Uploads your own template.
///
/// Before the template is stored, its sample is drawn in English and in Spanish. This is done in a separate process
/// without files, network and packages, and with limits of time and memory. The template must draw one page of the
/// size in its manifest, with all text within the margin. Version 1 is active immediately.
#[utoipa::path(
    post, path = "/templates/own", request_body = CreateOwnTemplate,
    params(Repeatable),
    responses(
        (status = 201, description = "Created", body = Envelope<OwnTemplateAnswer>),
        (status = 400, description = "VALIDATION_ERROR: details name the field, including fields of the manifest", body = ErrorEnvelope),
        (status = 422, description = "INVALID_TEMPLATE: details have line, column and a hint", body = ErrorEnvelope),
        (status = 503, description = "BUSY: too many templates are being drawn; try again", body = ErrorEnvelope),
    )
)]
pub async fn create_own_template(
    State(http): State<HttpState>,
    write: Repeatable,
    Json { value, sha256 }: Json<CreateOwnTemplate>,
) -> Result<Answer, ApiError> {
    write
        .once(&http, sha256, async |command_id| {
            let id = TemplateId(created_by(command_id, "template"));
            let files = checked::store(&http, id, &value.source, &value.manifest).await?;
            let create = TemplateCommand::Create { name: value.name.trim().to_owned(), files };
            let done =
                http.commands.execute::<Template>(&write.caller.context(command_id), id, create).await?;
            let template = done.state.0.ok_or_else(|| ApiError::internal("a template without a version"))?;
            let location = http.api_path(&format!("/templates/own/{id}"));
            let answer = Answer::ok(&OwnTemplateAnswer::of_state(id, template))?;
            Ok(answer.created(location).at(done.position).version(done.position))
        })
        .await
}
