//! `GET /certificates`

use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::CertificateAnswer;
use crate::http::answer::ListEnvelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{Direction, Listing, Query, Sorting, filter_text};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::certificates::{self, CertificateFilter, CertificateRow};
use crate::projection::queries::listing::SortKey;

/// Which certificates, in which order: those that meet all that is given.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CertificatesQuery {
    /// Where to go on: `meta.nextCursor` of the page before. It counts for the same filters, sort and order.
    cursor: Option<String>,
    /// Which page, from 1, instead of a cursor; `meta.total` is told then. Pages end at entry 10,000, cursors don't.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Entries per page; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// What to sort by; `createdAt` if absent.
    #[param(inline)]
    sort: Option<CertificateSort>,
    /// Which way round; if absent, times go from the latest and texts from A.
    #[param(inline)]
    order: Option<Direction>,
    /// Words that name, event or client contain, whatever the case and accents.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Of this client, whatever the case and accents.
    #[param(max_length = 200)]
    client: Option<String>,
    /// Only active ones, or only inactive ones.
    is_active: Option<bool>,
}

/// What certificates can be sorted by.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CertificateSort {
    /// The order in which they were defined.
    CreatedAt,
    /// The order of their last change.
    UpdatedAt,
    /// Name, whatever the case and accents.
    Name,
    /// Client, whatever the case and accents.
    Client,
}

impl Sorting for CertificateSort {
    fn key(self) -> SortKey {
        match self {
            Self::CreatedAt => certificates::BY_CREATION,
            Self::UpdatedAt => certificates::BY_CHANGE,
            Self::Name => certificates::BY_NAME,
            Self::Client => certificates::BY_CLIENT,
        }
    }
}

/// Certificates, newest first where nothing else is said.
#[utoipa::path(
    get, path = "/certificates", params(CertificatesQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<CertificateAnswer>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor is of another list", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<CertificatesQuery>,
) -> Result<Answer, ApiError> {
    let CertificatesQuery { cursor, page, limit, sort, order, .. } = query;
    let filter = CertificateFilter {
        search: filter_text("search", query.search)?,
        client: filter_text("client", query.client)?,
        is_active: query.is_active,
    };
    answer(&http, Listing { cursor, page, limit, sort, order }, filter).await
}

pub(super) async fn answer(
    http: &HttpState,
    listing: Listing<CertificateSort>,
    filter: CertificateFilter,
) -> Result<Answer, ApiError> {
    let shown = |row: CertificateRow| CertificateAnswer::of_row(http, row);
    listing.answer(http, &certificates::TABLE, filter.conditions(), shown).await
}
