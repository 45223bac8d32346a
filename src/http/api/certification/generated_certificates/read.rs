//! Endpoints that show issued certificates.

use axum::extract::State;
use serde::Deserialize;
use time::Date;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::IssuanceAnswer;
use crate::domain::certification::public_id::PublicId;
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Direction, Listing, Path, Query, Sorting, filter_text};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::issuances;
use crate::projection::queries::issuances::{IssuanceFilter, IssuanceRow};
use crate::projection::queries::listing::SortKey;

/// Returns one generated certificate.
#[utoipa::path(
    get, path = "/generated-certificates/{id}",
    params(
        ("id" = Uuid, Path, description = "Id of the generated certificate"),
    ),
    responses(
        (status = 200, description = "The generated certificate", body = Envelope<IssuanceAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
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

/// Returns the public id of a number that is printed on a certificate.
///
/// # Errors
/// 422 if the number has a typing error.
pub(super) fn number_filter(number: &str) -> Result<String, ApiError> {
    let id =
        PublicId::parse(number).map_err(|error| ApiError::field("number", error.to_string()))?;
    Ok(id.to_string())
}

time::serde::format_description!(pub(super) iso_date, Date, "[year]-[month]-[day]");

/// Query parameters of the list of generated certificates. An entry must meet all given filters.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IssuancesQuery {
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
    sort: Option<IssuanceSort>,
    /// Sort direction. If absent: latest first for times, A to Z for texts.
    #[param(inline)]
    order: Option<Direction>,
    /// Words that the person's name contains. Case and accents are ignored.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Number, as printed on the certificate or as in its address.
    #[param(max_length = 200)]
    number: Option<String>,
    /// Only issuances of this certificate.
    certificate_id: Option<Uuid>,
    /// Only certificates of this person.
    attendee_id: Option<Uuid>,
    /// Only certificates that this batch requested.
    batch_id: Option<Uuid>,
    /// Only certificates that this import requested.
    import_id: Option<Uuid>,
    /// Only certificates in this state.
    #[param(inline)]
    state: Option<IssuanceState>,
    /// If true, only certificates about which a mail was sent. If false, only the others.
    is_sent: Option<bool>,
    /// Earliest date on the certificate (ISO 8601).
    #[serde(default, with = "iso_date::option")]
    issued_from: Option<Date>,
    /// Latest date on the certificate (ISO 8601).
    #[serde(default, with = "iso_date::option")]
    issued_to: Option<Date>,
}

/// States of a generated certificate.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum IssuanceState {
    /// The PDF is being created.
    Requested,
    /// The PDF exists.
    Generated,
    /// No PDF could be created.
    Failed,
    /// The certificate was revoked and is no longer valid.
    Revoked,
}

impl IssuanceState {
    /// Returns the name of the state in the table.
    pub(super) const fn stored(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Generated => "generated",
            Self::Failed => "failed",
            Self::Revoked => "revoked",
        }
    }
}

/// Sort keys of generated certificates.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum IssuanceSort {
    /// Order of the requests.
    CreatedAt,
    /// Order of the last change.
    UpdatedAt,
    /// Name of the person. Case and accents are ignored.
    FullName,
}

impl Sorting for IssuanceSort {
    fn key(self) -> SortKey {
        match self {
            Self::CreatedAt => issuances::BY_CREATION,
            Self::UpdatedAt => issuances::BY_CHANGE,
            Self::FullName => issuances::BY_NAME,
        }
    }
}

/// Lists generated certificates, newest first by default.
#[utoipa::path(
    get, path = "/generated-certificates", params(IssuancesQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<IssuanceAnswer>),
    )
)]
pub async fn list_issued_certificates(
    State(http): State<HttpState>,
    Query(query): Query<IssuancesQuery>,
) -> Result<Answer, ApiError> {
    let IssuancesQuery {
        cursor,
        page,
        limit,
        sort,
        order,
        ..
    } = query;
    let filter = IssuanceFilter {
        search: filter_text("search", query.search)?,
        public_id: query.number.as_deref().map(number_filter).transpose()?,
        certificate_id: query.certificate_id,
        theme: None,
        attendee_id: query.attendee_id,
        batch_id: query.batch_id,
        import_id: query.import_id,
        state: query.state.map(|state| state.stored().to_owned()),
        is_sent: query.is_sent,
        issued_from: query.issued_from,
        issued_to: query.issued_to,
    };
    let listing = Listing {
        cursor,
        page,
        limit,
        sort,
        order,
    };
    let shown = |row: IssuanceRow| IssuanceAnswer::of_row(&http, row);
    listing
        .answer(&http, &issuances::TABLE, filter.conditions(), shown)
        .await
}
