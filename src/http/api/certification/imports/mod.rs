//! Imports: uploaded files of people, and the results of their rows.

pub mod cancel;
pub mod events;
pub mod read;
pub mod reading;
pub mod report;
mod report_formats;
pub mod retry;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::batches::read::{BatchAnswer, shown};
use crate::domain::certification::import::Import;
use crate::domain::{ImportId, Personal};
use crate::event_log::Position;
use crate::http::protocol::names::{ImportFormatName, ImportResultStateName};
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{ApiError, HttpState};
use crate::importing::report::{ErrorDetail, ImportReport, MAX_SHOWN};
use crate::importing::report_file::ReportFile;
use crate::projection::queries::batches;
use crate::projection::queries::imports::{self, ImportRow, RejectionRow};
use crate::projection::queries::listing::{self, Start};
use crate::storage::ObjectKey;
use reading::ReadingAnswer;

/// Number of bytes that are read from the start of a report to show its first rows.
const REPORT_START_BYTES: u64 = 4 << 20;
/// Largest number of batches in a response.
const MAX_BATCHES: i64 = 100;

/// Import of a file of people, with the results of its rows.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportAnswer {
    /// Id of the import; null for a dry run, which stores nothing.
    pub id: Option<Uuid>,
    /// `requested`, `running`, `completed`, `failed`, `cancelling`, `cancelled`, or `rehearsed` for
    /// a dry run.
    #[schema(value_type = ImportResultStateName)]
    pub state: String,
    /// Number of processed rows. Blank rows are not counted. Null until the import ends.
    pub total_records: Option<i64>,
    /// Number of the last processed row, as a spreadsheet program shows it.
    pub through_row: i64,
    /// People created so far.
    pub created: i64,
    /// People changed so far.
    pub updated: i64,
    /// Known people who did not change, so far. They get certificates in the same way as new
    /// people.
    pub existing: i64,
    /// Number of rows about a person who also has an earlier row in the file. Null until the import
    /// ends. The other numbers count each person once.
    pub repeated: Option<i64>,
    /// Rows rejected so far.
    pub errors: i64,
    /// Certificates for people of the file so far, including certificates that they already had.
    pub certificates_associated: i64,
    /// Batches that issue the certificates, with their progress. There is one batch per certificate
    /// and 10,000 people. Only the first 100 batches are listed. They can be cancelled and undone
    /// like the batches of `/generated-certificates/generate`.
    pub batches: Vec<BatchAnswer>,
    /// Rows skipped because the import was cancelled.
    pub left: Option<i64>,
    /// Rejected rows, followed by skipped rows; at most 1,000. `/imports/{id}/report` returns all
    /// of them. After the report has expired, only their error codes are available.
    pub error_details: Vec<RowErrors>,
    /// Number of rows that were imported with a warning. `UNDRAWABLE`: no font can draw a text of
    /// the person, so the person gets no certificate from this import. `NAME_DIFFERS`: the stored
    /// name of a known person is very different from the name in the row. The stored name is kept
    /// and shown on the certificate, unless `updateExisting` replaces it by the name in the row.
    /// Two names are very different if a word of the shorter one is not in the longer one, as a
    /// word or as an initial. Case, accents and order are ignored. `NAME_TOO_LONG`, only in a dry
    /// run: the name does not fit its place on the certificate. Only the 50 longest of the names
    /// with more than 40 characters are checked.
    pub warnings: i64,
    /// Rows with a warning among the first 1,000 rows of the report. Their messages list the
    /// characters.
    pub warning_details: Vec<RowErrors>,
    /// Error that stopped the reading of the file.
    pub failure: Option<ImportFailure>,
    /// `csv`, `xlsx`, `xls` or `json`; null for a dry run.
    #[schema(value_type = Option<ImportFormatName>, example = "xlsx")]
    pub format: Option<String>,
    /// Size of the file, in bytes; null for a dry run.
    #[schema(example = 20_480)]
    pub size: Option<i64>,
    /// Id of the certificate for people whose row names no other one.
    pub certificate_id: Option<Uuid>,
    /// Time of the upload (RFC 3339); null for a dry run.
    pub created_at: Option<Timestamp>,
    /// Time of the last change (RFC 3339); null for a dry run.
    pub updated_at: Option<Timestamp>,
    /// Time at which it ended, successfully or not (RFC 3339); null before.
    pub ended_at: Option<Timestamp>,
    /// Details of how the file was read; only in the answer to the upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reading: Option<ReadingAnswer>,
}

/// Error that ended the reading of a file before its end.
#[derive(Serialize, ToSchema)]
pub struct ImportFailure {
    /// Stable code for programs.
    pub code: String,
    /// Text for people: the problem, and how to correct it.
    pub reason: String,
}

/// Row that was rejected, or imported with a warning.
#[derive(Serialize, ToSchema)]
pub struct RowErrors {
    /// Number of the row, as a spreadsheet program shows it.
    pub row: i64,
    /// Name of the sheet, if the file is a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Values of the row, by the headers of the file.
    #[schema(value_type = BTreeMap<String, String>)]
    pub data: BTreeMap<String, Personal<String>>,
    /// Problems of the row.
    pub errors: Vec<RowError>,
}

/// One problem of a row.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowError {
    /// Header of the column, as written in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Name of the field in the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Stable code for programs.
    #[schema(example = "DUPLICATE")]
    pub code: String,
    /// Text for people: the problem, and how to correct it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl ImportAnswer {
    /// Returns the answer for an import that the query tables do not have yet.
    ///
    /// # Errors
    /// 404 if the log does not have it either.
    pub(super) async fn begun(
        http: &HttpState,
        id: ImportId,
        version: Position,
    ) -> Result<Self, ApiError> {
        let history = http.commands.history::<Import>(id, version).await?;
        let request = history.state.request;
        let request = request.ok_or_else(|| ApiError::not_found("import"))?;
        Ok(Self {
            id: Some(id.0),
            state: "requested".to_owned(),
            format: Some(request.format.name().to_owned()),
            size: i64::try_from(request.size).ok(),
            certificate_id: request.certificate_id.map(|id| id.0),
            created_at: Some(Timestamp(history.created_at)),
            updated_at: Some(Timestamp(history.updated_at)),
            ..Self::default()
        })
    }

    /// Adds the details of how the file was read.
    pub(super) fn reading(self, reading: Option<ReadingAnswer>) -> Self {
        Self { reading, ..self }
    }

    /// Returns the response for a dry run.
    pub(super) fn rehearsed(report: ImportReport) -> Self {
        Self {
            state: "rehearsed".to_owned(),
            total_records: Some(report.total_records.into()),
            created: report.created.into(),
            updated: report.updated.into(),
            existing: report.existing.into(),
            repeated: Some(report.repeated.into()),
            errors: report.errors.into(),
            certificates_associated: report.certificates_associated.into(),
            error_details: report
                .error_details
                .into_iter()
                .map(RowErrors::from)
                .collect(),
            warnings: report.warnings.into(),
            warning_details: report
                .warning_details
                .into_iter()
                .map(RowErrors::from)
                .collect(),
            ..Self::default()
        }
    }

    fn of_row(row: ImportRow, batches: Vec<BatchAnswer>, report_details: ReportDetails) -> Self {
        let failure = ImportFailure::of(&row);
        Self {
            id: Some(row.id),
            state: row.state,
            total_records: row.total,
            through_row: row.through_row,
            created: row.created,
            updated: row.updated,
            existing: row.existing,
            repeated: row.repeated,
            errors: row.errors,
            certificates_associated: row.associated,
            batches,
            left: row.left_rows,
            error_details: report_details.errors,
            warnings: row.warnings.unwrap_or(0),
            warning_details: report_details.warning_details,
            failure,
            format: Some(row.format),
            size: Some(row.size),
            certificate_id: row.certificate_id,
            created_at: Some(Timestamp(row.created_at)),
            updated_at: Some(Timestamp(row.updated_at)),
            ended_at: row.ended_at.map(Timestamp),
            reading: None,
        }
    }
}

impl ImportFailure {
    fn of(row: &ImportRow) -> Option<Self> {
        let reason = row.failure_reason.clone().unwrap_or_default();
        row.failure_code.clone().map(|code| Self { code, reason })
    }
}

impl From<ErrorDetail> for RowErrors {
    fn from(detail: ErrorDetail) -> Self {
        let errors = detail.errors.into_iter().map(|error| RowError {
            column: error.column,
            field: error.field,
            code: error.code,
            message: Some(error.message),
        });
        Self {
            row: detail.row.into(),
            sheet: detail.sheet,
            data: detail.data,
            errors: errors.collect(),
        }
    }
}

/// Reads an import from the query tables, and the first rows of its report.
pub(super) async fn read(http: &HttpState, id: Uuid) -> Result<Option<ImportAnswer>, ApiError> {
    let row = listing::get::<ImportRow>(&http.database().await?, id).await?;
    let Some(row) = row else { return Ok(None) };
    let report_details = report_details(http, &row).await?;
    let batches = batches::of_import(&http.database().await?, id, MAX_BATCHES).await?;
    let batches = batches.into_iter().map(shown).collect::<Result<_, _>>()?;
    Ok(Some(ImportAnswer::of_row(row, batches, report_details)))
}

/// Rows of an import that were rejected or have a warning.
#[derive(Default)]
struct ReportDetails {
    errors: Vec<RowErrors>,
    warning_details: Vec<RowErrors>,
}

/// Reads the rejected rows and the warnings from the report. If the report has expired, reads only
/// the error codes of the rejected rows, from the query tables.
async fn report_details(http: &HttpState, row: &ImportRow) -> Result<ReportDetails, ApiError> {
    if let Some(key) = &row.report_key {
        let key = ObjectKey::parse(key).map_err(ApiError::internal)?;
        if let Some(start) = http.storage.get_start(&key, REPORT_START_BYTES).await? {
            // The parser's error text may contain personal data of the row, so it is not kept.
            let details = ReportFile::first_rows(&start)
                .map_err(|_| ApiError::internal("a damaged report"))?;
            let (warned, rejected): (Vec<_>, Vec<_>) =
                details.into_iter().partition(ErrorDetail::is_warning);
            let shown =
                |details: Vec<ErrorDetail>| details.into_iter().map(RowErrors::from).collect();
            return Ok(ReportDetails {
                errors: shown(rejected),
                warning_details: shown(warned),
            });
        }
    }
    if row.errors == 0 && row.left_rows.unwrap_or(0) == 0 {
        return Ok(ReportDetails::default());
    }
    let table = &imports::REJECTIONS;
    let of_import = imports::rejected_of(row.id);
    let database = http.database().await?;
    let most = u32::try_from(MAX_SHOWN).unwrap_or(u32::MAX);
    let rejected = listing::list::<RejectionRow>(
        &database,
        table,
        &of_import,
        imports::BY_ROW,
        &Start::First,
        most,
    );
    let errors = rejected.await?.items.into_iter().map(|rejected| {
        let errors = serde_json::from_value(rejected.errors).map_err(ApiError::internal)?;
        Ok(RowErrors {
            row: rejected.row_number,
            sheet: None,
            data: BTreeMap::new(),
            errors,
        })
    });
    Ok(ReportDetails {
        errors: errors.collect::<Result<_, ApiError>>()?,
        ..ReportDetails::default()
    })
}
