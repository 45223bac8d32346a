//! `GET /templates/{name}`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::TemplateAnswer;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Path, Query};
use crate::http::{Answer, ApiError, HttpState};

/// Query parameters of a theme.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionQuery {
    /// Version of the theme; the newest if absent.
    #[param(minimum = 1)]
    version: Option<u32>,
}

/// Returns one theme.
#[utoipa::path(
    get, path = "/templates/{name}",
    params(("name" = String, Path, description = "The theme's name", example = "corporate"), VersionQuery),
    responses(
        (status = 200, description = "The theme", body = Envelope<TemplateAnswer>),
        (status = 400, description = "VALIDATION_ERROR: the version is not a number", body = ErrorEnvelope),
        (status = 404, description = "NOT_FOUND: there is no such theme, or not in that version", body = ErrorEnvelope),
    )
)]
pub async fn get_template(
    State(http): State<HttpState>,
    Path(name): Path<String>,
    Query(query): Query<VersionQuery>,
) -> Result<Answer, ApiError> {
    let wanted = |version: u32| query.version.is_none_or(|wanted| wanted == version);
    let known = http.templates.iter().rfind(|known| known.name == name && wanted(known.version));
    let known = known.ok_or_else(|| ApiError::not_found("template"))?;
    Answer::ok(&TemplateAnswer::of(&http, &known.name, known.version, &known.manifest))
}
