//! Endpoints that show imports.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::events::ImportProgress;
use super::{ImportAnswer, ImportFailure};
use crate::http::protocol::answer::{Envelope, ListEnvelope};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Direction, Listing, Path, Query, Unsorted};
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::imports;
use crate::projection::queries::imports::{ImportFilter, ImportRow};

/// Returns an import: its progress and the results of its rows.
#[utoipa::path(
    get, path = "/imports/{id}", params(
        ("id" = Uuid, Path, description = "The import's id"),
    ),
    responses(
        (status = 200, description = "The import", body = Envelope<ImportAnswer>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
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

/// Query parameters of the list of imports. An entry must meet all given filters.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportsQuery {
    /// Cursor of the page: `meta.nextCursor` of the previous page. It is valid only for the same
    /// filters and order.
    cursor: Option<String>,
    /// Number of the page, from 1, instead of a cursor. The response then also has `meta.total`.
    /// Pages by number end at entry 10,000; pages by cursor have no such limit.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Largest number of entries per page. The default is 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Sort direction. By default, the latest entry comes first.
    #[param(inline)]
    order: Option<Direction>,
    /// Only imports in this state.
    #[param(inline)]
    state: Option<ImportState>,
    /// Only imports with this certificate for people whose row contains no other one.
    certificate_id: Option<Uuid>,
    /// Only imports of files in this format.
    #[param(inline)]
    format: Option<ImportFormat>,
    /// Only imports whose file was uploaded at this time (RFC 3339) or later.
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_after: Option<OffsetDateTime>,
    /// Only imports whose file was uploaded before this time (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_before: Option<OffsetDateTime>,
}

/// States of an import.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImportState {
    /// The import waits until the file is read.
    Requested,
    /// The file is being read.
    Running,
    /// All rows were processed.
    Completed,
    /// The file could not be read to its end.
    Failed,
    /// The import is being cancelled.
    Cancelling,
    /// The import was cancelled.
    Cancelled,
}

impl ImportState {
    /// Returns the name of the state in the query table.
    const fn stored(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Formats of imported files.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportFormat {
    /// Text file with separators.
    Csv,
    /// XLSX workbook.
    Xlsx,
    /// XLS workbook, the format of older spreadsheet programs.
    Xls,
    /// JSON list.
    Json,
}

impl ImportFormat {
    /// Returns the name of the format in the query table.
    const fn stored(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::Json => "json",
        }
    }
}

/// An import in a list. `GET /imports/{id}` also returns the errors of its rows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportListed {
    /// Progress of the import.
    #[serde(flatten)]
    progress: ImportProgress,
    /// `csv`, `xlsx`, `xls` or `json`.
    #[schema(example = "xlsx")]
    format: String,
    /// Size of the file, in bytes.
    #[schema(example = 20_480)]
    size: i64,
    /// Id of the certificate for people whose row contains no other one.
    certificate_id: Option<Uuid>,
    /// Error that ended the reading of the file before its end.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    get, path = "/imports", params(ImportsQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<ImportListed>),
    )
)]
pub async fn list_imports(
    State(http): State<HttpState>,
    Query(query): Query<ImportsQuery>,
) -> Result<Answer, ApiError> {
    let ImportsQuery {
        cursor,
        page,
        limit,
        order,
        ..
    } = query;
    let filter = ImportFilter {
        state: query.state.map(ImportState::stored),
        certificate_id: query.certificate_id,
        format: query.format.map(ImportFormat::stored),
        created_after: query.created_after,
        created_before: query.created_before,
    };
    let listing = Listing::<Unsorted> {
        cursor,
        page,
        limit,
        sort: None,
        order,
    };
    let shown = |row: ImportRow| ImportListed::from(row);
    listing
        .answer(&http, &imports::TABLE, filter.conditions(), shown)
        .await
}
