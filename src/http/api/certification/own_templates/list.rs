//! `GET /templates/own`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::OwnTemplateAnswer;
use crate::http::protocol::answer::ListEnvelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Direction, Listing, Query, Unsorted, filter_text};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::templates;

/// Query parameters of the list of own templates.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OwnTemplatesQuery {
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
    /// Words that the name contains. Case and accents are ignored.
    #[param(max_length = 200)]
    search: Option<String>,
}

/// Lists your own templates, newest first by default.
#[utoipa::path(
    get, path = "/templates/own", params(OwnTemplatesQuery),
    responses(
        (status = 200, description = "A page of templates", body = ListEnvelope<OwnTemplateAnswer>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor belongs to another list", body = ErrorEnvelope),
    )
)]
pub async fn list_own_templates(
    State(http): State<HttpState>,
    Query(query): Query<OwnTemplatesQuery>,
) -> Result<Answer, ApiError> {
    let OwnTemplatesQuery { cursor, page, limit, order, search } = query;
    let present = templates::present(filter_text("search", search)?.as_deref());
    let listing = Listing::<Unsorted> { cursor, page, limit, sort: None, order };
    let (rows, meta) = listing.read(&http, &templates::TABLE, present).await?;
    let shown = rows.into_iter().map(OwnTemplateAnswer::of_row).collect::<Result<Vec<_>, _>>()?;
    Answer::list(&shown, &meta)
}
