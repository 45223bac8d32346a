//! `GET /certificates/active`

use axum::extract::State;

use super::CertificateAnswer;
use crate::http::answer::ListEnvelope;
use crate::http::extract::{ListQuery, Query};
use crate::http::{Answer, ApiError, HttpState};

/// Certificates that can be issued, newest first.
#[utoipa::path(
    get, path = "/certificates/active", params(ListQuery),
    responses((status = 200, description = "A page", body = ListEnvelope<CertificateAnswer>))
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, ApiError> {
    super::list::page(&http, query.paging()?, Some(true)).await
}
