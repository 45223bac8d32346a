//! `GET /generated-certificates/{id}`

use axum::extract::State;
use uuid::Uuid;

use super::IssuanceAnswer;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Path;
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::issuances;

/// Returns one generated certificate.
#[utoipa::path(
    get, path = "/generated-certificates/{id}",
    params(
        ("id" = Uuid, Path, description = "Id of the generated certificate"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the version that you have"),
    ),
    responses(
        (status = 200, description = "The generated certificate", body = Envelope<IssuanceAnswer>),
        (status = 304, description = "`If-None-Match` matches the current version"),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_issued_certificate(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = issuances::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("generated certificate"))?;
    let (version, mails) = (position(row.position)?, position(row.mails_position)?);
    Ok(Answer::ok(&IssuanceAnswer::of_row(&http, row))?.version_with(version, mails))
}
