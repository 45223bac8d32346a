//! `GET /imports`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::ImportFailure;
use super::events::ImportProgress;
use crate::http::answer::ListEnvelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::rfc3339;
use crate::http::extract::{Direction, Listing, Query, Unsorted};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::imports::{self, ImportFilter, ImportRow};

/// Which imports, in which order: those that meet all that is given.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportsQuery {
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
    /// In this state.
    #[param(inline)]
    state: Option<ImportState>,
    /// Whose people earn this certificate, unless their row says otherwise.
    certificate_id: Option<Uuid>,
    /// Of a file of this format.
    #[param(inline)]
    format: Option<ImportFormat>,
    /// Uploaded since this moment (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_after: Option<OffsetDateTime>,
    /// Uploaded before this moment (RFC 3339).
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_before: Option<OffsetDateTime>,
}

/// The states of an import.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImportState {
    /// It waits to be read.
    Requested,
    /// It is being read.
    Running,
    /// All its rows were dealt with.
    Completed,
    /// It could not be read on.
    Failed,
    /// It is being cancelled.
    Cancelling,
    /// It was cancelled.
    Cancelled,
}

impl ImportState {
    /// As it stands in the table.
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

/// What people are taken in from.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportFormat {
    /// A text with separators.
    Csv,
    /// A workbook.
    Xlsx,
    /// A workbook of older programs.
    Xls,
    /// A list in JSON.
    Json,
}

impl ImportFormat {
    /// As it stands in the table.
    const fn stored(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::Json => "json",
        }
    }
}

/// An import in a list; `GET /imports/{id}` also tells what is wrong with its rows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportListed {
    /// How far it is.
    #[serde(flatten)]
    progress: ImportProgress,
    /// `csv`, `xlsx`, `xls` or `json`.
    #[schema(example = "xlsx")]
    format: String,
    /// The file's size in bytes.
    #[schema(example = 20_480)]
    size: i64,
    /// What everybody in the file earns, unless the row says otherwise.
    certificate_id: Option<Uuid>,
    /// Why the file could not be read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<ImportFailure>,
    /// When it was uploaded (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    created_at: String,
    /// When it last changed (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    updated_at: String,
    /// When it ended, well or not (RFC 3339); null before.
    #[schema(example = "2026-11-21T12:00:00Z")]
    ended_at: Option<String>,
}

impl From<ImportRow> for ImportListed {
    fn from(row: ImportRow) -> Self {
        Self {
            format: row.format.clone(),
            size: row.size,
            certificate_id: row.certificate_id,
            failure: ImportFailure::of(&row),
            created_at: rfc3339(row.created_at),
            updated_at: rfc3339(row.updated_at),
            ended_at: row.ended_at.map(rfc3339),
            progress: row.into(),
        }
    }
}

/// Imports, newest first where nothing else is said.
#[utoipa::path(
    get, path = "/imports", params(ImportsQuery),
    responses(
        (status = 200, description = "A page", body = ListEnvelope<ImportListed>),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor is of another list", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<ImportsQuery>,
) -> Result<Answer, ApiError> {
    let ImportsQuery { cursor, page, limit, order, .. } = query;
    let filter = ImportFilter {
        state: query.state.map(ImportState::stored),
        certificate_id: query.certificate_id,
        format: query.format.map(ImportFormat::stored),
        created_after: query.created_after,
        created_before: query.created_before,
    };
    let listing = Listing::<Unsorted> { cursor, page, limit, sort: None, order };
    let shown = |row: ImportRow| ImportListed::from(row);
    listing.answer(&http, &imports::TABLE, filter.conditions(), shown).await
}
