//! Endpoints that show imports.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::ImportProgress;
use super::{ImportAnswer, ImportFailure};
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::extract::{ListQuery, Path};
use crate::http::protocol::names::ImportFormatName;
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::imports::ImportRow;

/// Returns an import: its progress and the results of its rows.
#[utoipa::path(
    get, path = "/imports/{id}",
    responses(
        (status = 200, description = "The import", body = Envelope<ImportAnswer>),
    )
)]
pub async fn get_import(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    current(&http, id).await
}

/// Returns the response with the current state of an import.
pub(super) async fn current(http: &HttpState, id: Uuid) -> Result<Answer, ApiError> {
    let import = super::read(http, id)
        .await?
        .ok_or_else(|| ApiError::not_found("import"))?;
    Ok(Answer::ok(&import)?.version_of_body())
}

/// An import in a list. `GET /imports/{id}` also has the errors of its rows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportListed {
    /// Progress of the import.
    #[serde(flatten)]
    progress: ImportProgress,
    /// `csv`, `xlsx`, `xls` or `json`.
    #[schema(value_type = ImportFormatName)]
    format: String,
    /// Size of the file, in bytes.
    #[schema(example = 20_480)]
    size: i64,
    /// Id of the certificate for people whose row contains no other one.
    certificate_id: Option<Uuid>,
    /// Error that stopped the reading of the file.
    failure: Option<ImportFailure>,
    /// Time of the upload (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    created_at: Timestamp,
    /// Time of the last change (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    updated_at: Timestamp,
    /// Time at which the import ended, successfully or not (RFC 3339). Null until then.
    #[schema(example = "2026-11-21T12:00:00Z")]
    ended_at: Option<Timestamp>,
}

impl From<ImportRow> for ImportListed {
    fn from(row: ImportRow) -> Self {
        Self {
            format: row.format.clone(),
            size: row.size,
            certificate_id: row.certificate_id,
            failure: ImportFailure::of(&row),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            ended_at: row.ended_at.map(Timestamp),
            progress: row.into(),
        }
    }
}

/// Lists imports. The newest import comes first by default.
#[utoipa::path(
    get, path = "/imports", params(ListQuery<ImportRow>),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<ImportListed>),
    )
)]
pub async fn list_imports(
    State(http): State<HttpState>,
    query: ListQuery<ImportRow>,
) -> Result<Answer, ApiError> {
    query.answer(&http, ImportListed::from).await
}
