//! `GET /templates/own`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::OwnTemplateAnswer;
use crate::http::answer::ListEnvelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{Direction, Listing, Query, Unsorted, filter_text};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::templates;

/// Which templates, in which order.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OwnTemplatesQuery {
    /// Where to go on: `meta.nextCursor` of the page before. It counts for the same filters and order.
    cursor: Option<String>,
    /// Which page, from 1, instead of a cursor; `meta.total` is told then. Pages end at entry 10,000, cursors don't.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Entries per page; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Which way round; from the latest if absent.
    #[param(inline)]
    order: Option<Direction>,
    /// Words that the name contains, whatever the case and accents.
    #[param(max_length = 200)]
    search: Option<String>,
}

/// Templates of your own, newest first where nothing else is said.
#[utoipa::path(
    get, path = "/templates/own", params(OwnTemplatesQuery),
    responses(
        (status = 200, description = "A page of templates", body = ListEnvelope<OwnTemplateAnswer>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor is of another list", body = ErrorEnvelope),
    )
)]
pub async fn handle(
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
