//! `GET /certificates`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::CertificateAnswer;
use crate::http::answer::ListEnvelope;
use crate::http::extract::{Paging, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::certificates;

/// Which certificates.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CertificatesQuery {
    /// Where to go on: `meta.nextCursor` of the page before.
    cursor: Option<String>,
    /// Entries per page, 1–200; 50 if absent.
    limit: Option<u32>,
    /// Only active ones, or only inactive ones.
    is_active: Option<bool>,
}

/// Certificates, newest first.
#[utoipa::path(
    get, path = "/certificates", params(CertificatesQuery),
    responses((status = 200, description = "A page", body = ListEnvelope<CertificateAnswer>))
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<CertificatesQuery>,
) -> Result<Answer, ApiError> {
    let paging = Paging::of(query.cursor.as_deref(), query.limit)?;
    page(&http, paging, query.is_active).await
}

pub(super) async fn page(
    http: &HttpState,
    paging: Paging,
    is_active: Option<bool>,
) -> Result<Answer, ApiError> {
    let listed = certificates::list(&http.database().await?, paging.page(), is_active).await?;
    let shown = listed.items.into_iter().map(|row| CertificateAnswer::of_row(http, row));
    Answer::list(&shown.collect::<Vec<_>>(), &paging.meta(listed.next_cursor))
}
