//! `POST /templates/own/{id}/versions/{version}/activate`

use axum::extract::State;
use uuid::Uuid;

use super::OwnTemplateAnswer;
use crate::domain::TemplateId;
use crate::domain::template::{Template, TemplateCommand};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{IfMatch, Path};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Draw new certificates by this version.
///
/// What was issued stays as it is. Doing it again changes nothing; activating an older one goes back.
#[utoipa::path(
    post, path = "/templates/own/{id}/versions/{version}/activate",
    params(
        ("id" = Uuid, Path, description = "The template's id"),
        ("version" = u32, Path, description = "The version, from 1"),
        ("If-Match" = Option<String>, Header, description = "The ETag that you know"),
    ),
    responses(
        (status = 200, description = "It is the active one", body = Envelope<OwnTemplateAnswer>),
        (status = 400, description = "VALIDATION_ERROR: there is no such version", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: it has changed since you read it", body = ErrorEnvelope),
    )
)]
pub async fn handle(
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
