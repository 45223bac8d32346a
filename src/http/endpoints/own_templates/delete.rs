//! `DELETE /templates/own/{id}`

use axum::extract::State;
use uuid::Uuid;

use crate::domain::TemplateId;
use crate::domain::template::{Template, TemplateCommand};
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::deleting::Deleted;
use crate::http::extract::{IfMatch, Path};
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};
use crate::projection::queries::templates;

/// Delete a template that no certificate names.
///
/// It can't be chosen any more. Its versions stay where they are stored, because a lost PDF is made again from
/// the one that was pinned. Doing it again is harmless.
#[utoipa::path(
    delete, path = "/templates/own/{id}",
    params(
        ("id" = Uuid, Path, description = "The template's id"),
        ("If-Match" = Option<String>, Header, description = "The ETag that you know"),
    ),
    responses(
        (status = 200, description = "It is gone", body = Envelope<Deleted>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
        (status = 409, description = "IN_USE: certificates name it", body = ErrorEnvelope),
        (status = 412, description = "PRECONDITION_FAILED: it has changed since you read it", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = TemplateId(id);
    // Counted in the tables, once these are level. A certificate that is defined at the very same moment does
    // no harm: the files stay, so that it is drawn all the same.
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
