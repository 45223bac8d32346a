//! `DELETE /templates/own/{id}`

use axum::extract::State;
use uuid::Uuid;

use crate::domain::TemplateId;
use crate::domain::certification::template::{Template, TemplateCommand};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::deleting::Deleted;
use crate::http::protocol::extract::{IfMatch, Path};
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};
use crate::projection::queries::templates;

/// Deletes a template that no certificate definition uses.
///
/// A deleted template cannot be chosen any more. Its versions stay in the storage, because a lost PDF is rendered
/// again from its pinned version. Deleting a template again has no effect.
#[utoipa::path(
    delete, path = "/templates/own/{id}",
    params(
        ("id" = Uuid, Path, description = "The template's id"),
        ("If-Match" = Option<String>, Header, description = "ETag of the version that you read"),
    ),
    responses(
        (status = 200, description = "Deleted", body = Envelope<Deleted>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "IN_USE: certificates use the template", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: the resource has changed since you read it", body = ErrorEnvelope),
    )
)]
pub async fn delete_own_template(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = TemplateId(id);
    // Counted in the query tables, after these contain all events that are in the log now. A certificate that is
    // defined at the same moment does no harm: the files stay, so it can still be drawn.
    http.tables_are_level().await?;
    let uses = templates::uses(&http.database().await?, &Template::theme_of(id)).await?;
    if uses > 0 {
        let message = format!("certificates that name this template: {uses}; give them another one first");
        return Err(ApiError::new(ErrorCode::InUse, message));
    }
    let context = caller.context(http.random_id().into());
    let retire = |_: &_| Ok(TemplateCommand::Retire);
    let done = http.commands.change::<Template>(&context, id, &if_match.versions(), retire).await?;
    Ok(Answer::ok(&Deleted { id: id.0 })?.message("it was deleted").at(done.position))
}
