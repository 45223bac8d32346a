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

/// Returns the current answer about an import.
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
    /// Only imports in this state.
    #[param(inline)]
    state: Option<ImportState>,
    /// Only imports that issue this certificate to people whose row names no other one.
    certificate_id: Option<Uuid>,
    /// Only imports of files in this format.
    #[param(inline)]
    format: Option<ImportFormat>,
    /// Uploaded at this time (RFC 3339) or later.
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_after: Option<OffsetDateTime>,
    /// Uploaded before this time (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_before: Option<OffsetDateTime>,
}

/// States of an import.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImportState {
    /// Waiting to be read.
    Requested,
    /// Being read.
    Running,
    /// All rows are processed.
    Completed,
    /// The file could not be read to its end.
    Failed,
    /// Being cancelled.
    Cancelling,
    /// Cancelled.
    Cancelled,
}

impl ImportState {
    /// Returns the state's name in the query table.
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
    /// A text file with separators.
    Csv,
    /// An XLSX workbook.
    Xlsx,
    /// An XLS workbook, written by older programs.
    Xls,
    /// A list in JSON.
    Json,
}

impl ImportFormat {
    /// Returns the format's name in the query table.
    const fn stored(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::Json => "json",
        }
    }
}

/// An import in a list. `GET /imports/{id}` also has the errors of its rows.
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
    /// Id of the certificate for people whose row names no other one.
    certificate_id: Option<Uuid>,
    /// Error that stopped the reading of the file.
    failure: Option<ImportFailure>,
    /// Time of the upload (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    created_at: Timestamp,
    /// Time of the last change (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    updated_at: Timestamp,
    /// Time at which it ended, successfully or not (RFC 3339); null before.
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

/// Lists imports, newest first by default.
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
