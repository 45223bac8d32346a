//! Import of people from an uploaded file.

use axum::extract::{Request, State};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::import_people::{AskedOptions, PeopleFile, check_certificate, import_people, rehearsed};
use super::reading_form;
use crate::domain::certification::reading::Reading;
use crate::http::api::certification::imports::ImportAnswer;
use crate::http::api::certification::issuing::AskedIssuing;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::Query;
use crate::http::protocol::extract::upload::{Upload, UploadedFile};
use crate::http::protocol::idempotency::Repeatable;
use crate::http::protocol::intake::Place;
use crate::http::{Answer, ApiError, HttpState};
use crate::spreadsheet;
use crate::spreadsheet::{EncodingSource, Format, HowRead, SheetError, SheetReader};

/// Form fields in addition to the file and the fields of `reading_form`.
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
    /// File in the format CSV, XLSX or XLS (Excel 97 to 2003). The format is detected from the
    /// content. The file has a header row, and one person per row.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// True to update known people. The default is false. Blank cells and absent columns keep the
    /// stored value.
    update_existing: Option<bool>,
    /// True if each person must have a document number. By default, the setting of the certificate
    /// is used, or true without a certificate.
    requires_document: Option<bool>,
    /// Id of the certificate for all people whose row contains no other one.
    certificate_id: Option<uuid::Uuid>,
    /// Delivery of the mails about new certificates: `immediate`, `held` or a time, such as
    /// `2026-12-01T09:00:00Z` or, in the zone of `certificates.time_zone`, `2026-12-01T09:00`;
    /// `immediate` if absent.
    delivery: Option<String>,
    /// Fields of columns, by the headers in the file, as JSON: `{"Dirección de correo": "email",
    /// "Nota": "ignore"}`. Other headers keep their usual meaning.
    mapping: Option<String>,
    /// Label of the encoding of a CSV file, such as `macintosh` or `ibm850`. By default, the
    /// encoding is detected.
    encoding: Option<String>,
    /// Name of the sheet to be read from a workbook, or `all`. By default, the first visible sheet
    /// with people is read.
    sheets: Option<String>,
    /// `include` to read the rows that the spreadsheet program hides, `skip` to ignore them. The
    /// default is `skip`.
    hidden_rows: Option<String>,
    /// Number of the header row, as a spreadsheet program shows it. By default, the header row is
    /// detected.
    header_row: Option<u32>,
    /// Date on new certificates, from 1900-01-01 to 366 days from now. By default, the date in the
    /// definition of the certificate, or the date of issuing in the issuer's time zone if the
    /// definition has none.
    #[schema(value_type = Option<String>, format = Date)]
    issue_date: Option<String>,
}

/// Query parameters of the upload.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BulkUploadQuery {
    /// If true, the response reports what would happen, and nothing is stored.
    dry_run: Option<bool>,
}

/// Imports the people of a file.
///
/// A row belongs to a known person if its e-mail address and its document number are both those of
/// the person. If the row has only one of the two, the name must also be similar. Without
/// `updateExisting`, such a row does not change the person, and is counted as `existing`. The
/// person still gets the certificate. If the row has both, and only one of them is that of a known
/// person, the row is rejected, and the error lists the fields that differ. With `updateExisting`,
/// the differing field of the person is changed instead, if the name is the same. If the two belong
/// to different people, the row is rejected. Texts such as "N/A", "0" and "-" are not document
/// numbers. The response lists in `batches` the batches that issue the certificates.
///
/// For a file of up to 1,000 rows, the response contains the result (200). For a larger file, or if
/// the import takes more than 25 s, the response is sent before the import ends (202), and
/// `Location` shows the progress. An invalid row does not affect the others. A dry run accepts up
/// to 100,000 rows. The field `reading` describes how the file was read: encoding, sheets, columns,
/// ignored rows, and the first rows.
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
        (status = 409, description = "CERTIFICATE_INACTIVE"),
        (status = 413, description = "FILE_TOO_LARGE, TOO_MANY_ROWS, FILE_INFLATES_TOO_LARGE"),
        (status = 415, description = "UNKNOWN_FORMAT"),
        (status = 422, description = "VALIDATION_ERROR: no such certificate. The file as a whole can't be read. NOT_DRAWABLE: a text of the certificate can't be drawn; see the details"),
        (status = 429, description = "TOO_MANY_REQUESTS: this client has too many uploads in progress"),
        (status = 503, description = "BUSY: too many uploads are in progress; see `Retry-After`"),
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
    let asked = AskedIssuing::of_fields(upload.text("delivery"), upload.text("issueDate"));
    let options = options.resolved(&http).await?;
    let requires_document = options.requires_document;
    if query.dry_run == Some(true) {
        asked.checked(&http)?;
        check_certificate(&http, &options).await?;
        let (_, _, how_read) =
            read_through(&http, &upload.file, &reading, requires_document, &place).await?;
        let (_, reader) = open(&http, &upload.file, &reading, requires_document, &place).await?;
        let answer = rehearsed(&http, reader, options).await?;
        let answer = answer.reading(Some(how_read.into()));
        return Ok(Answer::ok(&answer)?.message("nothing was stored"));
    }
    let (format, rows, how_read) =
        read_through(&http, &upload.file, &reading, requires_document, &place).await?;
    // The response contains names of people, so it is not stored. A repeated request finds the
    // import in the log, and reads the report until it expires.
    write
        .once_unstored(&http, upload.sha256(), async |context| {
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
            import_people(&http, &context, people, options, issuing).await
        })
        .await
}

/// Opens the file and reads its header row. The reader keeps a turn of `place` until it is dropped.
async fn open(
    http: &HttpState,
    file: &UploadedFile,
    reading: &Reading,
    requires_document: bool,
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

/// Reads the whole file once, so that a file that can't be read is rejected before the import
/// starts.
async fn read_through(
    http: &HttpState,
    file: &UploadedFile,
    reading: &Reading,
    requires_document: bool,
    place: &Place,
) -> Result<(Format, u32, HowRead), ApiError> {
    let (format, reader) = open(http, file, reading, requires_document, place).await?;
    let read = tokio::task::spawn_blocking(move || reader.read_through());
    match read.await.map_err(ApiError::internal)?? {
        (0, _) => Err(SheetError::Empty.into()),
        (rows, how_read) => Ok((format, rows, how_read)),
    }
}

/// Returns the options with the detected encoding, so that the importer reads the file in the same
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
