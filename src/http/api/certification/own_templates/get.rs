//! `GET /templates/own/{id}`

use axum::extract::State;
use uuid::Uuid;

use super::OwnTemplateAnswer;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::templates;

/// Returns one of your own templates.
#[utoipa::path(
    get, path = "/templates/own/{id}",
    params(
        ("id" = Uuid, Path, description = "The template's id"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the version that you have"),
    ),
    responses(
        (status = 200, description = "The template", body = Envelope<OwnTemplateAnswer>),
        (status = 304, description = "`If-None-Match` matches the current version"),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
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
