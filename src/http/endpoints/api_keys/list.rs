//! `GET /api-keys`

use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{ApiKeyAnswer, last_uses};
use crate::http::answer::ListEnvelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{Direction, Listing, Query, Unsorted, filter_text};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::api_keys::{self, ApiKeyFilter, ApiKeyRow, KeyState};

/// Which API keys, in which order: those that meet all that is given.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ApiKeysQuery {
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
    /// In this state.
    #[param(inline)]
    state: Option<ApiKeyState>,
}

/// The states of an API key.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ApiKeyState {
    /// It counts, as far as whoever made it still may.
    Active,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

impl From<ApiKeyState> for KeyState {
    fn from(state: ApiKeyState) -> Self {
        match state {
            ApiKeyState::Active => Self::Active,
            ApiKeyState::Expired => Self::Expired,
            ApiKeyState::Revoked => Self::Revoked,
        }
    }
}

/// API keys of everybody, also those that count no more; newest first where nothing else is said.
#[utoipa::path(
    get, path = "/api-keys", params(ApiKeysQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<ApiKeyAnswer>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor is of another list", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<ApiKeysQuery>,
) -> Result<Answer, ApiError> {
    let ApiKeysQuery { cursor, page, limit, order, search, state } = query;
    let filter = ApiKeyFilter { search: filter_text("search", search)?, state: state.map(KeyState::from) };
    let listing = Listing::<Unsorted> { cursor, page, limit, sort: None, order };
    let (rows, meta) =
        listing.read::<ApiKeyRow>(&http, &api_keys::TABLE, filter.conditions(http.now())).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let uses = last_uses(&http, &http.database().await?, &ids).await?;
    let shown: Vec<_> = rows.into_iter().map(|row| ApiKeyAnswer::of_row(row, &uses)).collect();
    Answer::list(&shown, &meta)
}
