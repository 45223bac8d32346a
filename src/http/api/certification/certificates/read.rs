//! Endpoints that show certificates.

use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::CertificateAnswer;
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{
    Direction, ListQuery, Listing, Path, Query, Sorting, filter_text,
};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::certificates;
use crate::projection::queries::certificates::{CertificateFilter, CertificateRow};
use crate::projection::queries::listing::SortKey;

/// Returns one certificate.
#[utoipa::path(
    get, path = "/certificates/{id}", params(
        ("id" = Uuid, Path, description = "The certificate's id"),
    ),
    responses(
        (status = 200, description = "The certificate", body = Envelope<CertificateAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_certificate(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = certificates::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("certificate"))?;
    let version = position(row.position)?;
    Ok(Answer::ok(&CertificateAnswer::of_row(&http, row))?.version(version))
}

/// Query parameters of the list of certificates. An entry must meet all given filters.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CertificatesQuery {
    /// Cursor of the page: `meta.nextCursor` of the page before. It is valid for the same filters,
    /// sort and order only.
    cursor: Option<String>,
    /// Number of the page, from 1, instead of a cursor. Adds `meta.total`. Pages end at entry
    /// 10,000, cursors do not.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Entries per page; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Sort key; `createdAt` if absent.
    #[param(inline)]
    sort: Option<CertificateSort>,
    /// Sort direction. If absent: latest first for times, A to Z for texts.
    #[param(inline)]
    order: Option<Direction>,
    /// Words that the name, event or client contains. Case and accents are ignored.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Only certificates of this client. Case and accents are ignored.
    #[param(max_length = 200)]
    client: Option<String>,
    /// If true, only active certificates. If false, only inactive ones.
    is_active: Option<bool>,
}

/// Sort keys of certificates.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CertificateSort {
    /// Order of definition.
    CreatedAt,
    /// Order of the last change.
    UpdatedAt,
    /// Name. Case and accents are ignored.
    Name,
    /// Client. Case and accents are ignored.
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

/// Lists certificates, newest first by default.
#[utoipa::path(
    get, path = "/certificates", params(CertificatesQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<CertificateAnswer>),
    )
)]
pub async fn list_certificates(
    State(http): State<HttpState>,
    Query(query): Query<CertificatesQuery>,
) -> Result<Answer, ApiError> {
    let CertificatesQuery {
        cursor,
        page,
        limit,
        sort,
        order,
        ..
    } = query;
    let filter = CertificateFilter {
        search: filter_text("search", query.search)?,
        client: filter_text("client", query.client)?,
        is_active: query.is_active,
    };
    answer(
        &http,
        Listing {
            cursor,
            page,
            limit,
            sort,
            order,
        },
        filter,
    )
    .await
}

pub(super) async fn answer(
    http: &HttpState,
    listing: Listing<CertificateSort>,
    filter: CertificateFilter,
) -> Result<Answer, ApiError> {
    let shown = |row: CertificateRow| CertificateAnswer::of_row(http, row);
    listing
        .answer(http, &certificates::TABLE, filter.conditions(), shown)
        .await
}

/// Lists active certificates, which can be issued; newest first by default.
#[utoipa::path(
    get, path = "/certificates/active", params(ListQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<CertificateAnswer>),
    )
)]
pub async fn list_active_certificates(
    State(http): State<HttpState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, ApiError> {
    let active = CertificateFilter {
        is_active: Some(true),
        ..CertificateFilter::default()
    };
    answer(&http, query.listing(), active).await
}
