//! Endpoints that create, extend, activate and delete the issuer's own templates.

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read::{OwnTemplateSource, source};
use super::{OwnTemplateAnswer, checked};
use crate::commands::CommandContext;
use crate::domain::TemplateId;
use crate::domain::certification::template::{Template, TemplateCommand, TemplateEvent};
use crate::event_log::Position;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::deleting::Deleted;
use crate::http::protocol::extract::{IfMatch, Json, Path};
use crate::http::protocol::idempotency::{Repeatable, created_by};
use crate::http::{Answer, ApiError, ErrorCode, HttpState};
use crate::projection::queries::templates;

/// Name, source and manifest of a new template.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Diploma 2026", "source": "#let certificate(d) = {\n  set page(width: 297mm, height: 210mm, margin: 30mm)\n  set text(font: \"EB Garamond\", size: 40pt)\n  align(center + horizon, d.fields.full_name)\n}", "manifest": {"title": {"en": "Diploma", "es": "Diploma"}, "description": {"en": "A plain page.", "es": "Una página sencilla."}, "page": {"size": "a4", "orientation": "landscape"}, "margin": 15, "qr": {"x": 250, "y": 165, "size": 24}, "variables": ["full_name"], "sample": {"full_name": "Ada Lovelace"}}}))]
pub struct CreateOwnTemplate {
    /// Name of the template, 1–200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Diploma 2026")]
    name: String,
    /// Typst source, which must define `certificate(d)`. At most 256 KiB.
    source: String,
    /// Manifest of the template, at most 64 KiB.
    #[schema(value_type = Object)]
    manifest: Value,
}

/// Uploads your own template.
///
/// Before the template is stored, its sample is drawn in English and in Spanish. A separate process
/// draws it, without access to files, network and packages, and with limits of time and memory. The
/// template must draw one page of the size in its manifest, and all text must be inside the margin.
/// Version 1 is active immediately.
#[utoipa::path(
    post, path = "/templates/own",
    params(Repeatable),
    responses(
        (status = 201, description = "Created", body = Envelope<OwnTemplateAnswer>),
        (status = 422, description = "VALIDATION_ERROR: details name the field, including fields of the manifest. INVALID_TEMPLATE: details have line, column and a hint"),
        (status = 503, description = "BUSY: too many templates are being drawn; try again"),
    )
)]
pub async fn create_own_template(
    State(http): State<HttpState>,
    write: Repeatable,
    Json { value, sha256 }: Json<CreateOwnTemplate>,
) -> Result<Answer, ApiError> {
    write
        .once(&http, sha256, async |context| {
            let id = TemplateId(created_by(context.command_id, "template"));
            let files = checked::store(&http, id, &value.source, &value.manifest).await?;
            let create = TemplateCommand::Create {
                name: value.name.trim().to_owned(),
                files,
            };
            let done = http
                .commands
                .execute::<Template>(&context, id, create)
                .await?;
            let location = http.api_path(&format!("/templates/own/{id}"));
            let answer = answer(&http, id, done.position).await?;
            Ok(answer.created(location).at(done.position))
        })
        .await
}

/// Source and manifest of a new version.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"source": "#let certificate(d) = {\n  set page(width: 297mm, height: 210mm, margin: 30mm)\n  set text(font: \"EB Garamond\", size: 40pt)\n  align(center + horizon, d.fields.full_name)\n}", "manifest": {"title": {"en": "Diploma", "es": "Diploma"}, "description": {"en": "A plain page.", "es": "Una página sencilla."}, "page": {"size": "a4", "orientation": "landscape"}, "margin": 15, "qr": {"x": 250, "y": 165, "size": 24}, "variables": ["full_name"], "sample": {"full_name": "Ada Lovelace"}}}))]
pub struct AddTemplateVersion {
    /// Typst source, which must define `certificate(d)`. At most 256 KiB.
    source: String,
    /// Manifest of the template, at most 64 KiB.
    #[schema(value_type = Object)]
    manifest: Value,
}

/// Adds a version to your own template.
///
/// The version is checked like a new template. It is not used until it is activated. A template can
/// have at most 100 versions.
#[utoipa::path(
    post, path = "/templates/own/{id}/versions",
    params(
        IfMatch,
        Repeatable,
    ),
    responses(
        (status = 201, description = "The new version", body = Envelope<OwnTemplateSource>),
        (status = 409, description = "WRONG_STATE: the template has 100 versions, the maximum"),
        (status = 422, description = "VALIDATION_ERROR: details name the field, including fields of the manifest. INVALID_TEMPLATE: details have line, column and a hint"),
        (status = 503, description = "BUSY: too many templates are being drawn; try again"),
    )
)]
pub async fn add_template_version(
    State(http): State<HttpState>,
    write: Repeatable,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
    Json { value, sha256 }: Json<AddTemplateVersion>,
) -> Result<Answer, ApiError> {
    let id = TemplateId(id);
    write
        .once(&http, sha256, async |context| {
            let known = http.load::<Template>(id).await?.0;
            if known.is_none_or(|template| template.is_retired) {
                return Err(ApiError::not_found("template"));
            }
            let files = checked::store(&http, id, &value.source, &value.manifest).await?;
            let add = TemplateCommand::AddVersion(files);
            let done = http
                .change::<Template>(&context, id, &if_match, add)
                .await?;
            let added = done.events.iter().find_map(|event| match event {
                TemplateEvent::TemplateVersionAdded(added) => Some(added.version),
                _ => None,
            });
            let version =
                added.ok_or_else(|| ApiError::internal("a version that was not added"))?;
            let history = http.commands.history::<Template>(id, done.position);
            let history = history.await?;
            let location = http.api_path(&format!("/templates/own/{id}/versions/{version}"));
            let answer = Answer::ok(&source(&http, id, &history, version).await?)?;
            Ok(answer.version_of_body().created(location).at(done.position))
        })
        .await
}

/// Activates a version of a template. From then on, it draws new certificates.
///
/// Certificates that were issued before do not change. If the version is already active, the
/// request has no effect. You can also activate an older version again.
#[utoipa::path(
    post, path = "/templates/own/{id}/versions/{version}/activate",
    params(
        ("version" = u32, Path, description = "The version, from 1"),
        IfMatch,
    ),
    responses(
        (status = 200, description = "The version is active", body = Envelope<OwnTemplateAnswer>),
    )
)]
pub async fn activate_template_version(
    State(http): State<HttpState>,
    context: CommandContext,
    if_match: IfMatch,
    Path((id, version)): Path<(Uuid, u32)>,
) -> Result<Answer, ApiError> {
    let id = TemplateId(id);
    let activate = TemplateCommand::Activate(version);
    let done = http
        .change::<Template>(&context, id, &if_match, activate)
        .await?;
    let answer = answer(&http, id, done.position).await?;
    Ok(answer
        .message("new certificates are drawn by it")
        .at(done.position))
}

/// Returns the template in this version.
async fn answer(http: &HttpState, id: TemplateId, version: Position) -> Result<Answer, ApiError> {
    let history = http.commands.history::<Template>(id, version).await?;
    let answer = Answer::ok(&OwnTemplateAnswer::of_history(id, &history)?)?;
    Ok(answer.version(version))
}

/// Deletes a template that no certificate definition uses.
///
/// No definition can use a deleted template. Its versions stay in the storage, because a lost PDF
/// must be rendered again with its pinned version. If the template is already deleted, the request
/// has no effect.
#[utoipa::path(
    delete, path = "/templates/own/{id}",
    params(IfMatch),
    responses(
        (status = 200, description = "Deleted", body = Envelope<Deleted>),
        (status = 409, description = "IN_USE: certificates use the template"),
    )
)]
pub async fn delete_own_template(
    State(http): State<HttpState>,
    context: CommandContext,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = TemplateId(id);
    // The uses are counted in the query tables after these contain all events that are now in the
    // log. A certificate that is defined after that can still be drawn, because the files are kept.
    http.wait_until_caught_up().await?;
    let uses = templates::uses(&http.database().await?, &Template::theme_of(id)).await?;
    if uses > 0 {
        let message = format!(
            "certificates that use this template: {uses}; choose another template for them first"
        );
        return Err(ApiError::new(ErrorCode::InUse, message));
    }
    let done = http
        .change::<Template>(&context, id, &if_match, TemplateCommand::Retire)
        .await?;
    Ok(Answer::ok(&Deleted { id: id.0 })?
        .message("it was deleted")
        .at(done.position))
}
