//! Deletion of a design.

use axum::extract::State;
use uuid::Uuid;

use crate::commands::CommandContext;
use crate::commands::IfVersion;
use crate::domain::DesignId;
use crate::domain::certification::design::{Design, DesignCommand, DesignState};
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::deleting::Deleted;
use crate::http::protocol::extract::{IfMatch, Path};
use crate::http::{Answer, ApiError, HttpState};
use crate::storage::ObjectKey;

/// Deletes a design that no certificate has ever used.
///
/// A design that was used is kept, because a lost PDF must be rendered again with it. If the design
/// is already deleted, the request has no effect.
#[utoipa::path(
    delete, path = "/certificates/designs/{id}",
    params(IfMatch),
    responses(
        (status = 200, description = "Deleted", body = Envelope<Deleted>),
        (status = 409, description = "WRONG_STATE: a certificate uses or has used it"),
    )
)]
pub async fn delete_design(
    State(http): State<HttpState>,
    context: CommandContext,
    if_match: IfMatch,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let id = DesignId(id);
    let loaded = http.commands.load::<Design>(id).await?;
    if loaded.state == DesignState::Unknown {
        return Err(ApiError::not_found("design"));
    }
    let is_deleted = matches!(loaded.state, DesignState::Deleted(_));
    let versions = if is_deleted {
        IfVersion::ANY
    } else {
        if_match.versions()
    };
    let delete = |_: &_| Ok(DesignCommand::Delete);
    let done = http
        .commands
        .change::<Design>(&context, id, &versions, delete)
        .await?;
    let DesignState::Deleted(image) = done.state else {
        return Err(ApiError::internal("a deleted design is not deleted"));
    };
    // The event is appended first. After that, no certificate can use the design, so its files can
    // also be deleted later.
    for key in [&image.key, &image.thumbnail_key] {
        http.storage
            .delete(&ObjectKey::parse(key).map_err(ApiError::internal)?)
            .await?;
    }
    Ok(Answer::ok(&Deleted { id: id.0 })?
        .message("the design was deleted")
        .at(done.position))
}
