//! Endpoint that returns the report of an import as a file.

use std::fs::File;
use std::io::{BufReader, Seek as _, SeekFrom};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tempfile::NamedTempFile;
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::RowErrors;
use super::report_formats::write;
use crate::http::protocol::extract::{Path, Query};
use crate::http::{ApiError, ErrorCode, HttpState};
use crate::importing::report_file::StoredReport;
use crate::projection::queries::imports::ImportRow;
use crate::spreadsheet::export::ExportFormat;
use crate::storage::ObjectKey;

/// Largest size of a report that can be converted, in bytes.
const MAX_REPORT_BYTES: u64 = 1 << 30;

/// Query parameters of the report.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// Format of the report; `csv` if absent.
    #[param(inline)]
    format: Option<ReportFormat>,
}

/// Formats of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportFormat {
    /// One JSON object per line, for one row each.
    Ndjson,
    /// JSON array of rows.
    Json,
    /// A CSV table with the columns of the uploaded file and two added columns.
    #[default]
    Csv,
    /// Workbook with the same columns.
    Xlsx,
}

impl ReportFormat {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
            Self::Csv => ExportFormat::Csv.media_type(),
            Self::Xlsx => ExportFormat::Xlsx.media_type(),
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// Returns all rejected rows of an import that has ended, as a file.
///
/// The file also contains the rows that were imported with a warning (codes `UNDRAWABLE` and
/// `NAME_DIFFERS`), and the skipped rows of a cancelled import. In `json` and `ndjson`, the rows
/// are objects like those in `errorDetails`. In `csv` and `xlsx`, the rows have the columns of the
/// uploaded file, the number of the row in `laureate_row`, and the problem in `laureate_reason`.
/// You can correct the rows and upload the file again. The upload ignores the two added columns. In
/// CSV, a value that a spreadsheet program would interpret as a formula gets a leading apostrophe.
/// The next upload removes it.
#[utoipa::path(
    get, path = "/imports/{id}/report",
    params(ReportQuery),
    responses(
        (status = 200, description = "The rejected rows", content(
            (Vec<u8> = "application/x-ndjson"), (Vec<RowErrors> = "application/json"), (String = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 404, description = "NOT_FOUND: no such import, no row was rejected, or the report has expired"),
        (status = 413, description = "FILE_TOO_LARGE: the report has more than 1 GiB"),
        (status = 503, description = "BUSY: too many reports are being converted; try again"),
    )
)]
pub async fn download_import_report(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
    Query(query): Query<ReportQuery>,
) -> Result<Response, ApiError> {
    let row = http.find::<ImportRow>("import", id).await?;
    let key = row.report_key.ok_or_else(|| {
        ApiError::not_found("report; no row was rejected, or the import has not ended")
    })?;
    let key = ObjectKey::parse(&key).map_err(ApiError::internal)?;
    let busy = |_| {
        ApiError::new(
            ErrorCode::Busy,
            "too many reports are being converted; try again",
        )
    };
    let slot = http
        .report_slots
        .clone()
        .try_acquire_owned()
        .map_err(busy)?;
    let stored = NamedTempFile::new().map_err(ApiError::internal)?;
    let found = http
        .storage
        .get_to_file(&key, stored.path(), MAX_REPORT_BYTES)
        .await?;
    found.ok_or_else(|| ApiError::not_found("report; it has expired"))?;
    let format = query.format.unwrap_or_default();
    let made = tokio::task::spawn_blocking(move || {
        let _slot = slot;
        make(stored.reopen()?, format)
    });
    let file = made
        .await
        .map_err(ApiError::internal)?
        .map_err(ApiError::internal)?;
    let size = file.metadata().map_err(ApiError::internal)?.len();
    let name = format!(
        "attachment; filename=\"import_{id}_rejected.{}\"",
        format.extension()
    );
    let headers = [
        (CONTENT_TYPE, format.media_type().to_owned()),
        (CONTENT_DISPOSITION, name),
        (CONTENT_LENGTH, size.to_string()),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    let body = Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file)));
    Ok((headers, body).into_response())
}

/// Converts the report into an unnamed temporary file, and sets its position to the start.
fn make(stored: File, format: ReportFormat) -> std::io::Result<File> {
    let mut made = tempfile::tempfile()?;
    write(
        StoredReport::open(BufReader::with_capacity(64 * 1024, stored))?,
        format,
        &mut made,
    )?;
    made.seek(SeekFrom::Start(0))?;
    Ok(made)
}
