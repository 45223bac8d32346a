//! `GET /generated-certificates`

use axum::extract::State;
use serde::Deserialize;
use time::Date;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::IssuanceAnswer;
use crate::domain::public_id::PublicId;
use crate::http::answer::ListEnvelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{Direction, Listing, Query, Sorting, filter_text};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::issuances::{self, IssuanceFilter, IssuanceRow};
use crate::projection::queries::listing::SortKey;

/// Returns the public id of a number that is printed on a certificate.
///
/// # Errors
/// 400, if the number has a typing error.
pub(super) fn number_filter(number: &str) -> Result<String, ApiError> {
    let id = PublicId::parse(number).map_err(|error| ApiError::field("number", error.to_string()))?;
    Ok(id.to_string())
}

time::serde::format_description!(pub(super) iso_date, Date, "[year]-[month]-[day]");

/// Which generated certificates, in which order: those that meet all that is given.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IssuancesQuery {
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
    sort: Option<IssuanceSort>,
    /// Which way round; if absent, times go from the latest and texts from A.
    #[param(inline)]
    order: Option<Direction>,
    /// Words that the person's name contains, whatever the case and accents.
    #[param(max_length = 200)]
    search: Option<String>,
    /// With this number, as printed on the certificate or as in its address.
    #[param(max_length = 200)]
    number: Option<String>,
    /// Of this certificate.
    certificate_id: Option<Uuid>,
    /// Of this person.
    attendee_id: Option<Uuid>,
    /// Made by this batch.
    batch_id: Option<Uuid>,
    /// Made by this import.
    import_id: Option<Uuid>,
    /// In this state.
    #[param(inline)]
    state: Option<IssuanceState>,
    /// Only those about which a mail was sent, or only the others.
    is_sent: Option<bool>,
    /// With this date or a later one (ISO 8601).
    #[serde(default, with = "iso_date::option")]
    issued_from: Option<Date>,
    /// With this date or an earlier one (ISO 8601).
    #[serde(default, with = "iso_date::option")]
    issued_to: Option<Date>,
}

/// The states of a generated certificate.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum IssuanceState {
    /// Its PDF is being made.
    Requested,
    /// Its PDF is there.
    Generated,
    /// No PDF could be made.
    Failed,
    /// It was taken back and is not valid any more.
    Revoked,
}

impl IssuanceState {
    /// As it stands in the table.
    pub(super) const fn stored(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Generated => "generated",
            Self::Failed => "failed",
            Self::Revoked => "revoked",
        }
    }
}

/// What generated certificates can be sorted by.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum IssuanceSort {
    /// The order in which they were asked for.
    CreatedAt,
    /// The order of their last change.
    UpdatedAt,
    /// The person's name, whatever the case and accents.
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

/// Generated certificates, newest first where nothing else is said.
#[utoipa::path(
    get, path = "/generated-certificates", params(IssuancesQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<IssuanceAnswer>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor is of another list", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<IssuancesQuery>,
) -> Result<Answer, ApiError> {
    let IssuancesQuery { cursor, page, limit, sort, order, .. } = query;
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
    let listing = Listing { cursor, page, limit, sort, order };
    let shown = |row: IssuanceRow| IssuanceAnswer::of_row(&http, row);
    listing.answer(&http, &issuances::TABLE, filter.conditions(), shown).await
}
