//! `GET /certificates/designs`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::DesignAnswer;
use crate::http::protocol::answer::ListEnvelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Direction, Listing, Query, Unsorted, filter_text};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::designs::{self, DesignFilter};
use crate::storage::key_segment;

/// Query parameters of the list of designs. An entry must meet all given filters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DesignQuery {
    /// Cursor of the page: `meta.nextCursor` of the page before. It is valid for the same filters and order only.
    cursor: Option<String>,
    /// Number of the page, from 1, instead of a cursor. Adds `meta.total`. Pages end at entry 10,000, cursors do
    /// not.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Entries per page; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Sort direction; latest first if absent.
    #[param(inline)]
    order: Option<Direction>,
    /// Words that the name or the uploaded file's name contains. Case and accents are ignored.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Only designs of this client. Case and spaces are ignored.
    #[param(example = "Acme", max_length = 200)]
    client: Option<String>,
}

/// Lists designs, newest first by default.
#[utoipa::path(
    get, path = "/certificates/designs", params(DesignQuery),
    responses(
        (status = 200, description = "A page of designs", body = ListEnvelope<DesignAnswer>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor belongs to another list", body = ErrorEnvelope),
    )
)]
pub async fn list_designs(
    State(http): State<HttpState>,
    Query(query): Query<DesignQuery>,
) -> Result<Answer, ApiError> {
    let DesignQuery { cursor, page, limit, order, search, client } = query;
    let filter = DesignFilter {
        search: filter_text("search", search)?,
        folder: filter_text("client", client)?.as_deref().map(key_segment),
    };
    let listing = Listing::<Unsorted> { cursor, page, limit, sort: None, order };
    let shown = |row| DesignAnswer::of_row(&http, row);
    listing.answer(&http, &designs::TABLE, filter.conditions(), shown).await
}
