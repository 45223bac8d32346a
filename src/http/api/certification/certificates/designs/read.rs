//! Endpoints that show designs.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{DesignAnswer, key_of_url};
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Direction, Listing, Path, Query, Unsorted, filter_text};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::designs;
use crate::projection::queries::designs::DesignFilter;
use crate::storage::key_segment;

/// Returns one design.
#[utoipa::path(
    get, path = "/certificates/designs/{id}",
    params(
        ("id" = Uuid, Path, description = "The design's id"),
    ),
    responses(
        (status = 200, description = "The design", body = Envelope<DesignAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_design(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = designs::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("design"))?;
    let version = position(row.position)?;
    Ok(Answer::ok(&DesignAnswer::of_row(&http, row))?.version(version))
}

/// Query parameters of the list of designs. An entry must meet all given filters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DesignQuery {
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
    )
)]
pub async fn list_designs(
    State(http): State<HttpState>,
    Query(query): Query<DesignQuery>,
) -> Result<Answer, ApiError> {
    let DesignQuery {
        cursor,
        page,
        limit,
        order,
        search,
        client,
    } = query;
    let filter = DesignFilter {
        search: filter_text("search", search)?,
        folder: filter_text("client", client)?.as_deref().map(key_segment),
    };
    let listing = Listing::<Unsorted> {
        cursor,
        page,
        limit,
        sort: None,
        order,
    };
    let shown = |row| DesignAnswer::of_row(&http, row);
    listing
        .answer(&http, &designs::TABLE, filter.conditions(), shown)
        .await
}

/// Query parameters of the request for a design's data.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InfoQuery {
    /// The `url` of a design.
    #[param(
        example = "https://certificates.example.com/certificates/design_images/acme_2026/gold_frame_5f0c3a52-8a0e-4c1e-9d53-27e10c8bf4a6.jpg"
    )]
    url: String,
}

/// Data in a design's address.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DesignInfo {
    /// The client, as written in addresses.
    #[schema(example = "acme")]
    client: String,
    /// The year in which it was uploaded.
    #[schema(example = "2026")]
    year: String,
    /// Name of the file.
    #[schema(example = "gold_frame_5f0c3a52-8a0e-4c1e-9d53-27e10c8bf4a6.jpg")]
    filename: String,
}

/// Returns client, year and file name from a design's address.
///
/// It does not check whether the design exists.
#[utoipa::path(
    get, path = "/certificates/designs/info", params(InfoQuery),
    responses(
        (status = 200, description = "The data in the address", body = Envelope<DesignInfo>),
        (status = 422, description = "VALIDATION_ERROR: the address is not that of a design on this server", body = ErrorEnvelope),
    )
)]
pub async fn get_design_info(
    State(http): State<HttpState>,
    Query(query): Query<InfoQuery>,
) -> Result<Answer, ApiError> {
    let foreign = || ApiError::field("url", "is not the address of a design of ours");
    let key = key_of_url(&http, query.url.trim()).ok_or_else(foreign)?;
    Answer::ok(&info(key.as_str()).ok_or_else(foreign)?)
}

/// Splits a key of the form `…/{client}_{year}/{file}`.
fn info(key: &str) -> Option<DesignInfo> {
    let (folders, file) = key.rsplit_once('/')?;
    let (client, year) = folders.rsplit('/').next()?.rsplit_once('_')?;
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    (is_year && !client.is_empty()).then(|| DesignInfo {
        client: client.to_owned(),
        year: year.to_owned(),
        filename: file.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let known = info("certificates/design_images/big_client_2026/gold_frame_1.jpg").unwrap();
        let expected = ("big_client", "2026", "gold_frame_1.jpg");
        assert_eq!(
            (
                known.client.as_str(),
                known.year.as_str(),
                known.filename.as_str()
            ),
            expected
        );
        for odd in [
            "a.jpg",
            "x/general/a.jpg",
            "x/_2026/a.jpg",
            "x/general_26/a.jpg",
            "x/general_2o26/a.jpg",
        ] {
            assert_eq!(info(odd), None, "{odd}");
        }
    }
}
