//! Endpoints that show designs.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{DesignAnswer, key_of_url};
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::extract::{ListQuery, Path, Query};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::designs::{self, DesignRow};

/// Returns one design.
#[utoipa::path(
    get, path = "/certificates/designs/{id}",
    responses(
        (status = 200, description = "The design", body = Envelope<DesignAnswer>),
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

/// Lists designs, newest first by default.
#[utoipa::path(
    get, path = "/certificates/designs", params(ListQuery<DesignRow>),
    responses(
        (status = 200, description = "A page of designs", body = ListEnvelope<DesignAnswer>),
    )
)]
pub async fn list_designs(
    State(http): State<HttpState>,
    query: ListQuery<DesignRow>,
) -> Result<Answer, ApiError> {
    let shown = |row| DesignAnswer::of_row(&http, row);
    let present = query.restricted(designs::present);
    present.answer(&http, shown).await
}

/// Query parameters of the endpoint that reads data from the URL of a design.
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

/// Data that the URL of a design contains.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DesignInfo {
    /// Client, in the form in which URLs contain it.
    #[schema(example = "acme")]
    client: String,
    /// Year of the upload.
    #[schema(example = "2026")]
    year: String,
    /// Name of the file.
    #[schema(example = "gold_frame_5f0c3a52-8a0e-4c1e-9d53-27e10c8bf4a6.jpg")]
    filename: String,
}

/// Returns the client, year and file name that the URL of a design contains.
///
/// The request does not check whether the design exists.
#[utoipa::path(
    get, path = "/certificates/designs/info", params(InfoQuery),
    responses(
        (status = 200, description = "The data in the address", body = Envelope<DesignInfo>),
        (status = 422, description = "VALIDATION_ERROR: the address is not that of a design on this server"),
    )
)]
pub async fn get_design_info(
    State(http): State<HttpState>,
    Query(query): Query<InfoQuery>,
) -> Result<Answer, ApiError> {
    let foreign = || ApiError::field("url", "is not the URL of a design on this server");
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
    fn design_path_is_split_into_client_year_and_file_name() {
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
