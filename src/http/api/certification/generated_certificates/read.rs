//! Endpoints that show issued certificates.

use axum::extract::State;
use uuid::Uuid;

use super::IssuanceAnswer;
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::extract::{ListQuery, Path};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::issuances::{self, IssuanceRow};

/// Returns one generated certificate.
#[utoipa::path(
    get, path = "/generated-certificates/{id}",
    responses(
        (status = 200, description = "The generated certificate", body = Envelope<IssuanceAnswer>),
    )
)]
pub async fn get_issued_certificate(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = issuances::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("generated certificate"))?;
    let version = position(row.position)?;
    let mails = position(row.mails_position)?;
    Ok(Answer::ok(&IssuanceAnswer::of_row(&http, row))?.version_with(version, mails))
}

/// Lists generated certificates, newest first by default.
#[utoipa::path(
    get, path = "/generated-certificates", params(ListQuery<IssuanceRow>),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<IssuanceAnswer>),
    )
)]
pub async fn list_issued_certificates(
    State(http): State<HttpState>,
    query: ListQuery<IssuanceRow>,
) -> Result<Answer, ApiError> {
    let shown = |row| IssuanceAnswer::of_row(&http, row);
    query.answer(&http, shown).await
}
