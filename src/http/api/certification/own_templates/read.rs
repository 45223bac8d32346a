//! Endpoints that show the issuer's own templates.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{OwnTemplateAnswer, OwnTemplateVersion};
use crate::commands::History;
use crate::domain::TemplateId;
use crate::domain::certification::template::Template;
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::extract::{ListQuery, Path};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::templates::{self, TemplateRow};

/// Returns one of your own templates.
#[utoipa::path(
    get, path = "/templates/own/{id}",
    responses(
        (status = 200, description = "The template", body = Envelope<OwnTemplateAnswer>),
    )
)]
pub async fn get_own_template(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = templates::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("template"))?;
    let version = position(row.position)?;
    Ok(Answer::ok(&OwnTemplateAnswer::of_row(row)?)?.version(version))
}

/// Lists your own templates, newest first by default.
#[utoipa::path(
    get, path = "/templates/own", params(ListQuery<TemplateRow>),
    responses(
        (status = 200, description = "A page of templates", body = ListEnvelope<OwnTemplateAnswer>),
    )
)]
pub async fn list_own_templates(
    State(http): State<HttpState>,
    query: ListQuery<TemplateRow>,
) -> Result<Answer, ApiError> {
    let (rows, meta) = query.restricted(templates::present).read(&http).await?;
    let shown = rows
        .into_iter()
        .map(OwnTemplateAnswer::of_row)
        .collect::<Result<Vec<_>, _>>()?;
    Answer::list(&shown, &meta)
}

/// A version of a template with its source and manifest.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnTemplateSource {
    /// Id of the template.
    template_id: Uuid,
    /// Data of the version.
    #[serde(flatten)]
    version: OwnTemplateVersion,
    /// The Typst source.
    #[schema(
        example = "#let certificate(d) = {\n  set page(width: 297mm, height: 210mm)\n  d.fields.full_name\n}"
    )]
    source: String,
    /// Manifest of the version.
    #[schema(value_type = Object)]
    manifest: Value,
}

/// Returns a version of a template, with its source and manifest.
#[utoipa::path(
    get, path = "/templates/own/{id}/versions/{version}",
    params(
        ("version" = u32, Path, description = "The version, from 1"),
    ),
    responses(
        (status = 200, description = "The version", body = Envelope<OwnTemplateSource>),
    )
)]
pub async fn get_template_version(
    State(http): State<HttpState>,
    Path((id, version)): Path<(Uuid, u32)>,
) -> Result<Answer, ApiError> {
    let id = TemplateId(id);
    let now = http.commands.load::<Template>(id).await?.position;
    let history = http.commands.history::<Template>(id, now).await?;
    Ok(Answer::ok(&source(&http, id, &history, version).await?)?.version_of_body())
}

/// Returns a version of a template with its source and manifest.
pub(super) async fn source(
    http: &HttpState,
    id: TemplateId,
    history: &History<Template>,
    number: u32,
) -> Result<OwnTemplateSource, ApiError> {
    let mut versions = OwnTemplateVersion::all(history).into_iter();
    let version = versions.find(|version| version.version == number);
    let files = super::present(history)?.version(number);
    let (Some(version), Some(files)) = (version, files) else {
        return Err(ApiError::not_found("version of this template"));
    };
    let (source, manifest) = http.rendering.template(files).await?;
    Ok(OwnTemplateSource {
        template_id: id.0,
        version,
        source,
        manifest: serde_json::to_value(manifest).map_err(ApiError::internal)?,
    })
}
