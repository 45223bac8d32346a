//! `GET /attendees`

use axum::extract::State;
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::AttendeeAnswer;
use crate::http::protocol::answer::ListEnvelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Direction, Listing, Query, Sorting, filter_text};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::attendees::{self, AttendeeFilter, AttendeeRow};
use crate::projection::queries::listing::SortKey;

/// Which people, in which order: those that meet all that is given.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AttendeesQuery {
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
    sort: Option<AttendeeSort>,
    /// Which way round; if absent, times go from the latest and texts from A.
    #[param(inline)]
    order: Option<Direction>,
    /// Words that full name, e-mail address or document number contain, whatever the case and accents.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Of this country, whatever the case and accents.
    #[param(max_length = 200)]
    country: Option<String>,
    /// With this kind of document, whatever the case and accents.
    #[param(max_length = 200)]
    document_type: Option<String>,
    /// Accepted by this import: people whom it made known, and people who were known before.
    import_id: Option<Uuid>,
    /// Who have been issued this certificate.
    certificate_id: Option<Uuid>,
    /// Known since this moment (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_after: Option<OffsetDateTime>,
    /// Known before this moment (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_before: Option<OffsetDateTime>,
}

/// What people can be sorted by.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AttendeeSort {
    /// The order in which they became known.
    CreatedAt,
    /// The order of their last change.
    UpdatedAt,
    /// Full name, whatever the case and accents.
    FullName,
    /// E-mail address.
    Email,
}

impl Sorting for AttendeeSort {
    fn key(self) -> SortKey {
        match self {
            Self::CreatedAt => attendees::BY_CREATION,
            Self::UpdatedAt => attendees::BY_CHANGE,
            Self::FullName => attendees::BY_NAME,
            Self::Email => attendees::BY_EMAIL,
        }
    }
}

/// People, newest first where nothing else is said.
#[utoipa::path(
    get, path = "/attendees", params(AttendeesQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<AttendeeAnswer>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor is of another list", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<AttendeesQuery>,
) -> Result<Answer, ApiError> {
    let AttendeesQuery { cursor, page, limit, sort, order, .. } = query;
    let filter = AttendeeFilter {
        search: filter_text("search", query.search)?,
        country: filter_text("country", query.country)?,
        document_type: filter_text("documentType", query.document_type)?,
        import_id: query.import_id,
        certificate_id: query.certificate_id,
        created_after: query.created_after,
        created_before: query.created_before,
    };
    let listing = Listing { cursor, page, limit, sort, order };
    let shown = |row: AttendeeRow| AttendeeAnswer::from(row);
    listing.answer(&http, &attendees::TABLE, filter.conditions(), shown).await
}
