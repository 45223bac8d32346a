//! `POST /attendees/bulk-upload`

use std::time::Duration;

use axum::extract::{Request, State};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::certificate::Certificate;
use crate::domain::email::MailDelivery;
use crate::domain::import::{FileFormat, Import, ImportCommand, ImportRequested};
use crate::domain::{CertificateId, CommandId, ImportId, Refusal, hex};
use crate::event_log::Position;
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::endpoints::delivery::Delivery;
use crate::http::endpoints::imports::{ImportAnswer, read};
use crate::http::extract::upload::{Upload, UploadedFile};
use crate::http::extract::{IdempotencyKey, Query};
use crate::http::idempotency::{self, created_by, once};
use crate::http::{Answer, ApiError, Caller, ErrorCode, HttpState};
use crate::sheet::{self, Format, SheetError, SheetReader};
use crate::storage::import_key;
use crate::workers::importer::ImportOptions;
use crate::workers::importer::dry_run::dry_run;

/// Files of at most this many rows are answered when they are done.
const ROWS_AT_ONCE: u32 = 1_000;
/// How long that may take; then the answer is where to look.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// How often we look.
const LOOK: Duration = Duration::from_millis(50);

/// A file of people.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "describes the multipart body for the OpenAPI document")]
pub struct PeopleForm {
    /// CSV, XLSX or XLS (Excel 97 to 2003), told by content, with a header row, one person per row.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// Change people who are known already; false if absent.
    update_existing: Option<bool>,
    /// The certificate that everybody in the file earns, unless the row says otherwise.
    certificate_id: Option<uuid::Uuid>,
    /// When the mails about new certificates may go out: `immediate`, `held` or a time (RFC 3339); immediately
    /// if absent.
    delivery: Option<String>,
}

/// Whether to do it.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BulkUploadQuery {
    /// Only tell what would happen; nothing is stored.
    dry_run: Option<bool>,
}

/// Take in the people of a file.
///
/// A file of up to 1,000 rows is answered when it is done (200), a larger one at once (202), with
/// `Location` telling where its progress is. One bad row never stops the others. A dry run takes up to
/// 100,000 rows.
#[utoipa::path(
    post, path = "/attendees/bulk-upload",
    request_body(content = PeopleForm, content_type = "multipart/form-data"),
    params(
        BulkUploadQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless"),
    ),
    responses(
        (status = 200, description = "Done, or what would happen", body = Envelope<ImportAnswer>),
        (status = 202, description = "Begun; see Location", body = Envelope<ImportAnswer>),
        (status = 404, description = "NOT_FOUND: no such certificate", body = ErrorEnvelope),
        (status = 409, description = "CERTIFICATE_INACTIVE", body = ErrorEnvelope),
        (status = 413, description = "FILE_TOO_LARGE, TOO_MANY_ROWS, FILE_INFLATES_TOO_LARGE", body = ErrorEnvelope),
        (status = 415, description = "UNKNOWN_FORMAT", body = ErrorEnvelope),
        (status = 422, description = "The file as a whole can't be read; or IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Query(query): Query<BulkUploadQuery>,
    request: Request,
) -> Result<Answer, ApiError> {
    let limit = http.settings.upload_limit_bytes;
    let upload =
        Upload::read(&http, request, limit, &["updateExisting", "certificateId", "delivery"]).await?;
    let options = ImportOptions {
        update_existing: upload.parsed("updateExisting", "true or false")?.unwrap_or(false),
        certificate_id: upload.parsed("certificateId", "a UUID")?,
    };
    let delivery = upload.text("delivery").map(Delivery::of_field).unwrap_or_default();
    if let Some(id) = options.certificate_id {
        let certificate = http.commands.load::<Certificate>(id).await?.state.0;
        let certificate = certificate.ok_or_else(|| ApiError::not_found("certificate"))?;
        certificate.is_active.then_some(()).ok_or(Refusal::Inactive)?;
    }
    if query.dry_run == Some(true) {
        delivery.checked(http.now())?;
        let reader = open(&http, &upload.file).await?.1;
        let report = dry_run(&http.commands, &http.claim_key, reader, options).await?;
        return Ok(Answer::ok(&ImportAnswer::rehearsed(report))?.message("nothing was stored"));
    }
    let (format, rows) = read_through(&http, &upload.file).await?;
    let route = "POST /attendees/bulk-upload";
    let body_sha256 = upload.sha256();
    // The report names people: it stays in its expiring object, and the import leads to it again.
    let again = idempotency::Request { caller: &caller, route, key, body_sha256, keep_answer: false };
    once(&http, again, async |command_id| {
        let delivery = delivery.checked(http.now())?;
        let (id, position) =
            begin(&http, &caller, command_id, &upload.file, format, (options, delivery)).await?;
        answer(&http, id, position, rows).await
    })
    .await
}

/// The file opened, with its header row understood.
async fn open(http: &HttpState, file: &UploadedFile) -> Result<(Format, SheetReader), ApiError> {
    let format = sheet::sniff(&file.head)?;
    let limits = http.import_limits;
    let path = file.path().to_owned();
    let opened = tokio::task::spawn_blocking(move || sheet::open(&path, format, limits)).await;
    Ok((format, opened.map_err(ApiError::internal)??))
}

/// Reads the whole file once, so that what is wrong with it as a whole is told before anything begins.
async fn read_through(http: &HttpState, file: &UploadedFile) -> Result<(Format, u32), ApiError> {
    let (format, reader) = open(http, file).await?;
    let counted = tokio::task::spawn_blocking(move || reader.count_rows());
    match counted.await.map_err(ApiError::internal)?? {
        0 => Err(SheetError::Empty.into()),
        rows => Ok((format, rows)),
    }
}

async fn begin(
    http: &HttpState,
    caller: &Caller,
    command_id: CommandId,
    file: &UploadedFile,
    format: Format,
    (options, delivery): (ImportOptions, MailDelivery),
) -> Result<(ImportId, Position), ApiError> {
    let id = ImportId(created_by(command_id, "import"));
    let key = import_key(id.0);
    http.storage.put_file(&key, file.path()).await?;
    let request = ImportRequested {
        object_key: key.to_string(),
        format: match format {
            Format::Csv => FileFormat::Csv,
            Format::Xlsx => FileFormat::Xlsx,
            Format::Xls => FileFormat::Xls,
        },
        sha256: hex(&file.sha256),
        size: file.size,
        update_existing: options.update_existing,
        certificate_id: options.certificate_id.map(CertificateId),
        delivery,
    };
    let command = ImportCommand::Request(request);
    let done = http.commands.execute::<Import>(&caller.context(command_id), id, command).await?;
    Ok((id, done.position))
}

/// The report, if the file is small and done in time; otherwise where to look.
async fn answer(http: &HttpState, id: ImportId, position: Position, rows: u32) -> Result<Answer, ApiError> {
    let ended = async {
        loop {
            if http.commands.load::<Import>(id).await?.state.ended {
                return Ok::<_, ApiError>(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let waited = if rows <= ROWS_AT_ONCE { tokio::time::timeout(MAX_WAIT, ended).await.ok() } else { None };
    let location = http.api_path(&format!("/imports/{id}"));
    if waited.transpose()?.is_none() {
        let begun = ImportAnswer::begun(id);
        let message = "the file is being read; its progress is at Location";
        return Ok(Answer::ok(&begun)?.accepted(location).at(position).message(message));
    }
    let last = http.commands.load::<Import>(id).await?.position;
    http.readers.wait_for(last, MAX_WAIT).await?;
    let import = read(http, id.0).await?.ok_or_else(|| ApiError::not_found("import"))?;
    if let Some(failure) = &import.failure {
        let code = ErrorCode::of(&failure.code).unwrap_or(ErrorCode::BrokenFile);
        return Err(ApiError::new(code, failure.reason.clone()));
    }
    Ok(Answer::ok(&import)?.at(last))
}
