//! Start of an import: stores the file, requests the import, and waits for the result if the import
//! is small.

use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER;
use uuid::Uuid;

use crate::commands::CommandContext;
use crate::domain::certification::certificate::{Certificate, Definition};
use crate::domain::certification::import::{Import, ImportCommand, ImportRequested};
use crate::domain::certification::reading::Reading;
use crate::domain::{CertificateId, ImportId};
use crate::event_log::Position;
use crate::http::api::certification::certificates::drawable::check_issuable;
use crate::http::api::certification::generated_certificates::generate::active_certificate;
use crate::http::api::certification::imports::reading::ReadingAnswer;
use crate::http::api::certification::imports::{ImportAnswer, read};
use crate::http::api::certification::issuing::Issuing;
use crate::http::api::certification::template_checks::checked;
use crate::http::protocol::idempotency::created_by;
use crate::http::protocol::waiting::Patience;
use crate::http::{Answer, ApiError, ErrorCode, HttpState};
use crate::importing::ImportOptions;
use crate::importing::dry_run::dry_run;
use crate::spreadsheet::{Format, SheetReader};
use crate::storage::import_key;

/// Largest number of rows of an import for whose result the request waits.
const ROWS_AT_ONCE: u32 = 1_000;
/// Longest wait for the result. After that, the response is 202 with the address of the progress.
const MAX_WAIT: Duration = Duration::from_secs(25);

/// People in a local file.
pub(super) struct PeopleFile<'f> {
    /// Path of the file.
    pub path: &'f Path,
    /// Format of the file.
    pub format: Format,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Number of people. Blank rows are not counted.
    pub rows: u32,
    /// Options for reading the file.
    pub reading: Reading,
    /// Details of how the file was read. The response contains them.
    pub how_read: Option<ReadingAnswer>,
}

/// Options of an import, in the form in which the client sends them.
pub(super) struct AskedOptions {
    /// True to change known people. The default is false.
    pub update_existing: Option<bool>,
    /// Certificate for all people whose row contains no other one.
    pub certificate_id: Option<Uuid>,
    /// True if each person must have a document number. If absent, the setting of the certificate
    /// is used.
    pub requires_document: Option<bool>,
}

impl AskedOptions {
    /// Returns the options with default values where they are absent. Rejects a certificate that
    /// does not exist.
    pub(super) async fn resolved(self, http: &HttpState) -> Result<ImportOptions, ApiError> {
        let mut requires_document = true;
        if let Some(id) = self.certificate_id {
            requires_document = certificate(http, id).await?.requires_document;
        }
        Ok(ImportOptions {
            update_existing: self.update_existing.unwrap_or(false),
            certificate_id: self.certificate_id,
            requires_document: self.requires_document.unwrap_or(requires_document),
            shared_email: http.shared_email,
        })
    }
}

async fn certificate(http: &HttpState, id: Uuid) -> Result<Definition, ApiError> {
    let certificate = http.commands.load::<Certificate>(id).await?.state.0;
    certificate.ok_or_else(|| ApiError::no_such("certificateId", "certificate"))
}

/// Rejects a certificate that is inactive or cannot be drawn.
pub(super) async fn check_certificate(
    http: &HttpState,
    options: &ImportOptions,
) -> Result<(), ApiError> {
    let Some(id) = options.certificate_id else {
        return Ok(());
    };
    check_issuable(http, &active_certificate(http, id).await?)
}

/// Returns the report of an import that is not done.
pub(super) async fn rehearsed(
    http: &HttpState,
    reader: SheetReader,
    options: ImportOptions,
) -> Result<ImportAnswer, ApiError> {
    let renderer = http.rendering.renderer();
    let rehearsed = dry_run(&http.commands, &http.claim_key, renderer, reader, options).await?;
    Ok(ImportAnswer::rehearsed(checked(http, rehearsed).await?))
}

/// Stores the file and requests its import. If the file is small and the import ends in time, the
/// response contains the result. Otherwise it contains the address of the progress.
pub(super) async fn import_people(
    http: &HttpState,
    context: &CommandContext,
    mut people: PeopleFile<'_>,
    options: ImportOptions,
    issuing: Issuing,
    patience: &Patience,
) -> Result<Answer, ApiError> {
    // The check is done here, and not earlier, so that a repeated request still gets its response
    // if the certificate was deactivated after the first one.
    check_certificate(http, &options).await?;
    let rows = people.rows;
    let how_read = people.how_read.take();
    let (id, position) = begin(http, context, people, options, issuing).await?;
    let mut ended = None;
    if rows <= ROWS_AT_ONCE {
        ended = wait_until_ended(http, id, patience).await;
    }
    let location = http.api_path(&format!("/imports/{id}"));
    let Some((import, last)) = ended else {
        let begun = ImportAnswer::begun(http, id, position).await?;
        let begun = begun.reading(how_read);
        let message = "the people are being imported; the progress is at Location";
        return Ok(Answer::ok(&begun)?
            .accepted(location)
            .at(position)
            .message(message));
    };
    if let Some(failure) = &import.failure {
        // A code that is not one of the file's errors is not the client's fault.
        let code = ErrorCode::of(&failure.code).unwrap_or(ErrorCode::Unavailable);
        return Err(ApiError::new(code, failure.reason.clone()));
    }
    Ok(Answer::ok(&import.reading(how_read))?.at(last))
}

/// Waits until the import has ended. Returns it as the query tables contain it, and its last
/// position. Returns `None` if the request does not wait, if this takes too long, or if log or
/// tables can't be read. The import has been requested in all these cases.
async fn wait_until_ended(
    http: &HttpState,
    id: ImportId,
    patience: &Patience,
) -> Option<(ImportAnswer, Position)> {
    // A lagging replica of the log shows an older state, so the position belongs to this answer.
    let look = || async move {
        let import = http.commands.load::<Import>(id).await?;
        let has_ended = import.state.ended;
        Ok((has_ended, has_ended.then_some(import.position)))
    };
    let last = patience.look_until(http, MAX_WAIT, look).await.flatten()?;
    if !patience.wait_for_tables(http, last).await {
        return None;
    }
    let import = read(http, id.0).await.ok().flatten()?;
    Some((import, last))
}

async fn begin(
    http: &HttpState,
    context: &CommandContext,
    people: PeopleFile<'_>,
    options: ImportOptions,
    issuing: Issuing,
) -> Result<(ImportId, Position), ApiError> {
    let id = ImportId(created_by(context.command_id, "import"));
    let key = import_key(id.0);
    http.storage.put_file(&key, people.path).await?;
    let request = ImportRequested {
        object_key: key.to_string(),
        format: people.format.into(),
        sha256: HEXLOWER.encode(&people.sha256),
        size: people.size,
        update_existing: options.update_existing,
        certificate_id: options.certificate_id.map(CertificateId),
        delivery: issuing.delivery,
        issue_date: issuing.issue_date,
        requires_document: options.requires_document,
        shared_email: options.shared_email,
        reading: people.reading,
    };
    let command = ImportCommand::Request(request);
    let done = http
        .commands
        .execute::<Import>(context, id, command)
        .await?;
    Ok((id, done.position))
}
