//! `GET /certificates/active`

use axum::extract::State;

use super::CertificateAnswer;
use super::list::answer;
use crate::http::protocol::answer::ListEnvelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{ListQuery, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::certificates::CertificateFilter;

/// Lists active certificates, which can be issued; newest first by default.
#[utoipa::path(
    get, path = "/certificates/active", params(ListQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<CertificateAnswer>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor belongs to another list", body = ErrorEnvelope),
    )
)]
pub async fn list_active_certificates(
    State(http): State<HttpState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, ApiError> {
    let active = CertificateFilter { is_active: Some(true), ..CertificateFilter::default() };
    answer(&http, query.listing(), active).await
}
