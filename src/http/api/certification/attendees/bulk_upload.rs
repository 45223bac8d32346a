//! Import of people from an uploaded file.

use axum::extract::{Request, State};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::import_people::{AskedOptions, PeopleFile, check_certificate, import_people};
use super::reading_form;
use crate::domain::certification::reading::Reading;
use crate::http::api::certification::delivery::Delivery;
use crate::http::api::certification::imports::ImportAnswer;
use crate::http::api::certification::issuing::AskedIssuing;
use crate::http::api::certification::template_checks::checked;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Query;
use crate::http::protocol::extract::upload::{Upload, UploadedFile};
use crate::http::protocol::idempotency::Repeatable;
use crate::http::protocol::intake::Place;
use crate::http::{Answer, ApiError, HttpState};
use crate::importing::dry_run::dry_run;
use crate::spreadsheet;
use crate::spreadsheet::{EncodingSource, Format, HowRead, SheetError, SheetReader};

/// Fields of the form in addition to the file and those of `reading_form`.
const FIELDS: &[&str] = &[
    "updateExisting",
    "certificateId",
    "delivery",
    "issueDate",
    "requiresDocument",
];

/// A file of people.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(
    dead_code,
    reason = "describes the multipart body for the OpenAPI document"
)]
pub struct PeopleForm {
    /// CSV, XLSX or XLS (Excel 97 to 2003), detected by content. It has a header row and one person
    /// per row.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// True if known people are updated; false if absent. Blank cells and absent columns keep the
    /// stored value.
    update_existing: Option<bool>,
    /// True if a person must have a document number. If absent, the setting of the certificate, or
    /// true without a certificate.
    requires_document: Option<bool>,
    /// Id of the certificate for each person whose row names no other one.
    certificate_id: Option<uuid::Uuid>,
    /// Delivery of the mails about new certificates: `immediate`, `held` or a time (RFC 3339);
    /// `immediate` if absent.
    delivery: Option<String>,
    /// Fields of columns by their headers, as JSON: `{"Dirección de correo": "email", "Nota":
    /// "ignore"}`. Other headers keep their usual meaning.
    mapping: Option<String>,
    /// Label of the encoding of a CSV file, such as `macintosh` or `ibm850`; detected if absent.
    encoding: Option<String>,
    /// Name of the sheet of a workbook to read, or `all`. If absent, the first visible sheet with
    /// people.
    sheets: Option<String>,
    /// `include` to read rows that the spreadsheet program hides, `skip` to ignore them; `skip` if
    /// absent.
    hidden_rows: Option<String>,
    /// Number of the header row, as a spreadsheet program shows it; detected if absent.
    header_row: Option<u32>,
    /// Date on new certificates: from 1900-01-01 to 366 days ahead. If absent, the date of the
    /// definition, or else the date of issuing in the issuer's time zone.
    #[schema(value_type = Option<String>, format = Date)]
    issue_date: Option<String>,
}

/// Query parameters of the upload.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BulkUploadQuery {
    /// If true, only reports what would happen. Nothing is stored.
    dry_run: Option<bool>,
}

/// Imports the people of a file.
///
/// A row is about a known person if its e-mail address and its document number both belong to that
/// person. If the row has only one of the two, the name must also be similar. Without
/// `updateExisting`, such a row changes nothing and counts as `existing`; the person gets the
/// certificate. If only one of the two belongs to a known person, the row is rejected, and the
/// error names the fields that differ. With `updateExisting`, the differing field is changed
/// instead if the name is the same. If the two belong to different people, the row is rejected.
/// Texts such as "N/A", "0" and "-" are not document numbers. `batches` in the answer lists the
/// batches that issue the certificates.
///
/// A file of up to 1,000 rows is answered with the result (200). A larger file, or one that takes
/// more than 25 s, is answered before its end (202); `Location` shows the progress. A wrong row
/// does not affect the others. A dry run accepts up to 100,000 rows. `reading` in the answer
/// describes how the file was read: encoding, sheets, columns, ignored rows, and the first rows.
#[utoipa::path(
    post, path = "/attendees/bulk-upload",
    request_body(content = PeopleForm, content_type = "multipart/form-data"),
    params(
        BulkUploadQuery,
        Repeatable,
    ),
    responses(
        (status = 200, description = "The result of the import, or the report of a dry run (`dryRun`)", body = Envelope<ImportAnswer>),
        (status = 202, description = "The import is in progress; see `Location`", body = Envelope<ImportAnswer>),
        (status = 409, description = "CERTIFICATE_INACTIVE", body = ErrorEnvelope),
        (status = 413, description = "FILE_TOO_LARGE, TOO_MANY_ROWS, FILE_INFLATES_TOO_LARGE", body = ErrorEnvelope),
        (status = 415, description = "UNKNOWN_FORMAT", body = ErrorEnvelope),
        (status = 422, description = "VALIDATION_ERROR: no such certificate. The file as a whole can't be read. NOT_DRAWABLE: a text of the certificate can't be drawn; see the details", body = ErrorEnvelope),
        (status = 429, description = "TOO_MANY_REQUESTS: this client has too many uploads in progress", body = ErrorEnvelope),
        (status = 503, description = "BUSY: too many uploads are in progress; see `Retry-After`", body = ErrorEnvelope),
    )
)]
pub async fn upload_attendees(
    State(http): State<HttpState>,
    write: Repeatable,
    Query(query): Query<BulkUploadQuery>,
    request: Request,
) -> Result<Answer, ApiError> {
    let place = http.imports.enter(write.caller.user_id)?;
    let limit = http.settings.upload_limit_bytes;
    let fields = [FIELDS, &reading_form::FIELDS].concat();
    let upload = Upload::read(&http, request, limit, &fields).await?;
    let reading = reading_form::reading(&upload)?;
    let options = AskedOptions {
        update_existing: upload.parsed("updateExisting", "true or false")?,
        certificate_id: upload.parsed("certificateId", "a UUID")?,
        requires_document: upload.parsed("requiresDocument", "true or false")?,
    };
    let asked = AskedIssuing {
        delivery: upload
            .text("delivery")
            .map(Delivery::of_field)
            .unwrap_or_default(),
        issue_date: upload.text("issueDate").map(str::to_owned),
    };
    let options = options.resolved(&http).await?;
    if query.dry_run == Some(true) {
        asked.checked(&http)?;
        check_certificate(&http, &options).await?;
        let wanted = (&reading, options.requires_document);
        let (_, _, how_read) = read_through(&http, &upload.file, wanted, &place).await?;
        let reader = open(&http, &upload.file, wanted, &place).await?.1;
        let renderer = http.rendering.renderer();
        let rehearsed = dry_run(&http.commands, &http.claim_key, renderer, reader, options).await?;
        let report = checked(&http, rehearsed).await?;
        let answer = ImportAnswer::rehearsed(report).reading(Some(how_read.into()));
        return Ok(Answer::ok(&answer)?.message("nothing was stored"));
    }
    let wanted = (&reading, options.requires_document);
    let (format, rows, how_read) = read_through(&http, &upload.file, wanted, &place).await?;
    // The answer names people, so it is not stored. A repetition finds the import and reads its
    // expiring report.
    write
        .once_unstored(&http, upload.sha256(), async |command_id| {
            let issuing = asked.checked(&http)?;
            let file = &upload.file;
            let people = PeopleFile {
                path: file.path(),
                format,
                size: file.size,
                sha256: file.sha256,
                rows,
                reading: pinned(&reading, &how_read),
                how_read: Some(how_read.clone().into()),
            };
            import_people(&http, &write.caller, command_id, people, (options, issuing)).await
        })
        .await
}

/// Opens the file and reads its header row. Holds one turn of `place` until the reader is dropped.
async fn open(
    http: &HttpState,
    file: &UploadedFile,
    (reading, requires_document): (&Reading, bool),
    place: &Place,
) -> Result<(Format, SheetReader), ApiError> {
    let format = spreadsheet::sniff(&file.head)?;
    let limits = http.import_limits;
    let path = file.path().to_owned();
    let reading = reading.clone();
    let turn = place.turn().await?;
    let opened = tokio::task::spawn_blocking(move || {
        let without_document = |error: SheetError| {
            if requires_document {
                error
            } else {
                error.without_document()
            }
        };
        let reader =
            spreadsheet::open(&path, format, limits, &reading).map_err(without_document)?;
        let reader = reader.with_document_column(requires_document)?;
        Ok::<_, SheetError>(reader.holding(turn))
    });
    Ok((format, opened.await.map_err(ApiError::internal)??))
}

/// Reads the whole file once, so that an unusable file is rejected before the import begins.
async fn read_through(
    http: &HttpState,
    file: &UploadedFile,
    wanted: (&Reading, bool),
    place: &Place,
) -> Result<(Format, u32, HowRead), ApiError> {
    let (format, reader) = open(http, file, wanted, place).await?;
    let read = tokio::task::spawn_blocking(move || reader.read_through());
    match read.await.map_err(ApiError::internal)?? {
        (0, _) => Err(SheetError::Empty.into()),
        (rows, how_read) => Ok((format, rows, how_read)),
    }
}

/// Returns the options with the detected encoding, so that the importer reads the file the same
/// way.
fn pinned(reading: &Reading, how_read: &HowRead) -> Reading {
    let found = how_read
        .encoding
        .filter(|(_, source)| *source == EncodingSource::Guessed);
    let found = found.map(|(label, _)| label.to_owned());
    Reading {
        encoding: reading.encoding.clone().or(found),
        ..reading.clone()
    }
}
