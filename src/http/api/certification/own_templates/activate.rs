//! `POST /templates/own/{id}/versions/{version}/activate`

use axum::extract::State;
use uuid::Uuid;

use super::OwnTemplateAnswer;
use crate::domain::TemplateId;
use crate::domain::certification::template::{Template, TemplateCommand};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{IfMatch, Path};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Activates a version of a template: it draws new certificates from now on.
///
/// Certificates that were issued before do not change. Activating the active version has no effect. Activating an
/// older version restores it.
#[utoipa::path(
    post, path = "/templates/own/{id}/versions/{version}/activate",
    params(
        ("id" = Uuid, Path, description = "The template's id"),
        ("version" = u32, Path, description = "The version, from 1"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that you read"),
    ),
    responses(
        (status = 200, description = "The version is active", body = Envelope<OwnTemplateAnswer>),
        (status = 400, description = "VALIDATION_ERROR: there is no such version", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: the resource has changed since you read it", body = ErrorEnvelope),
    )
)]
pub async fn activate_template_version(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path((id, version)): Path<(Uuid, u32)>,
) -> Result<Answer, ApiError> {
    let id = TemplateId(id);
    let context = caller.context(http.random_id().into());
    let activate = |_: &_| Ok(TemplateCommand::Activate(version));
    let done = http.commands.change::<Template>(&context, id, &if_match.versions(), activate).await?;
    let template = done.state.0.ok_or_else(|| ApiError::not_found("template"))?;
    let answer = Answer::ok(&OwnTemplateAnswer::of_state(id, template))?;
    Ok(answer.message("new certificates are drawn by it").at(done.position).version(done.position))
}
