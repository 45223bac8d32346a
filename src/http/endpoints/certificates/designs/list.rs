//! `GET /certificates/designs`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::DesignAnswer;
use crate::http::answer::ListEnvelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{Paging, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::designs;
use crate::storage::key_segment;

/// Whose designs, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DesignQuery {
    /// Only designs of this client, whatever the case and the spaces.
    #[param(example = "Acme", max_length = 200)]
    client: Option<String>,
    /// Where to go on: `meta.nextCursor` of the page before.
    cursor: Option<String>,
    /// Entries per page, 1–200; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Designs, newest first.
#[utoipa::path(
    get, path = "/certificates/designs", params(DesignQuery),
    responses(
        (status = 200, description = "A page of designs", body = ListEnvelope<DesignAnswer>),
        (status = 400, description = "VALIDATION_ERROR: details name the parameter", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<DesignQuery>,
) -> Result<Answer, ApiError> {
    let paging = Paging::of(query.cursor.as_deref(), query.limit)?;
    let client = query.client.as_deref().map(str::trim).filter(|client| !client.is_empty());
    if client.is_some_and(|client| client.chars().count() > 200) {
        return Err(ApiError::field("client", "give at most 200 characters"));
    }
    let folder = client.map(key_segment);
    let listed = designs::list(&http.database().await?, paging.page(), folder.as_deref()).await?;
    let meta = paging.meta(listed.next_cursor);
    let items: Vec<_> = listed.items.into_iter().map(|row| DesignAnswer::of_row(&http, row)).collect();
    Answer::list(&items, &meta)
}
