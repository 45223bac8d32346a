//! Endpoints that show API keys.

use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{ApiKeyAnswer, last_uses};
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Direction, Listing, Path, Query, Unsorted, filter_text};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::api_keys;
use crate::projection::queries::api_keys::{ApiKeyFilter, ApiKeyRow, KeyState};

/// Returns one API key, without its secret.
#[utoipa::path(
    get, path = "/api-keys/{id}", params(
        ("id" = Uuid, Path, description = "The key's id"),
    ),
    responses(
        (status = 200, description = "The key", body = Envelope<ApiKeyAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_api_key(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let database = http.database().await?;
    let row = api_keys::get(&database, id)
        .await?
        .ok_or_else(|| ApiError::not_found("API key"))?;
    let version = position(row.position)?;
    let ended = row.ended_position.map(position).transpose()?;
    let uses = last_uses(&http, &database, &[id]).await?;
    let answer = Answer::ok(&ApiKeyAnswer::of_row(row, &uses))?;
    // A password change can end the key. It is an event of the user, but it changes this answer.
    Ok(match ended {
        Some(ended) => answer.version_with(version, ended),
        None => answer.version(version),
    })
}

/// Query parameters of the list of API keys. An entry must meet all given filters.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ApiKeysQuery {
    /// Cursor of the page: `meta.nextCursor` of the page before. It is valid for the same filters
    /// and order only.
    cursor: Option<String>,
    /// Number of the page, from 1, instead of a cursor. Adds `meta.total`. Pages end at entry
    /// 10,000, cursors do not.
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
    /// Only keys in this state.
    #[param(inline)]
    state: Option<ApiKeyState>,
}

/// States of an API key.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ApiKeyState {
    /// Valid, within the permissions that its owner still has.
    Active,
    /// Its expiry time has passed.
    Expired,
    /// Revoked, or ended by a new password of its owner.
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

/// Lists the API keys of all users, including keys that are no longer valid; newest first by
/// default.
#[utoipa::path(
    get, path = "/api-keys", params(ApiKeysQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<ApiKeyAnswer>),
    )
)]
pub async fn list_api_keys(
    State(http): State<HttpState>,
    Query(query): Query<ApiKeysQuery>,
) -> Result<Answer, ApiError> {
    let ApiKeysQuery {
        cursor,
        page,
        limit,
        order,
        search,
        state,
    } = query;
    let filter = ApiKeyFilter {
        search: filter_text("search", search)?,
        state: state.map(KeyState::from),
    };
    let listing = Listing::<Unsorted> {
        cursor,
        page,
        limit,
        sort: None,
        order,
    };
    let (rows, meta) = listing
        .read::<ApiKeyRow>(&http, &api_keys::TABLE, filter.conditions(http.now()))
        .await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let uses = last_uses(&http, &http.database().await?, &ids).await?;
    let shown: Vec<_> = rows
        .into_iter()
        .map(|row| ApiKeyAnswer::of_row(row, &uses))
        .collect();
    Answer::list(&shown, &meta)
}
