//! Importer: reads an uploaded file and imports the people in its rows, in chunks.
//!
//! A worker that takes over after a crash reads the file again from the beginning. The command of
//! every row has the same id as before. So no row is imported twice, and the report is complete.

use std::io;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::try_join;
use futures_util::{StreamExt, TryStreamExt, stream};
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::certificate_pdf::Renderer;
use crate::commands::import_person::{Candidate, import_person};
use crate::commands::{Aggregates, CommandContext, CommandError, Commands, Loaded};
use crate::domain::certification::attendee::Source;
use crate::domain::certification::import::{
    Import, ImportCancelled, ImportCommand, ImportCompleted, ImportFailed, ImportRequested,
};
use crate::domain::certification::origin::Origin;
use crate::domain::certification::reactions::import::{RowRules, Seen};
use crate::domain::{AttendeeId, Decider, ImportId, Secret};
use crate::event_log::{Consistency, RecordedEvent};
use crate::spreadsheet::{Limits, RowOutcome, SheetError, SheetRow};
use crate::storage::{ObjectKey, ObjectStorage, StorageError, import_report_key};

pub use options::ImportOptions;

use chunks::read_in_chunks;
use plan::{Claiming, Plan, PlannedRow, Rejection};
use report::{ErrorDetail, ImportReport, Outcome};
use report_file::ReportFile;
use row_certificate::{explained, rules_with};
use row_warnings::{RowToCheck, warning};
use settled::{Decided, Settled};

mod chunks;
pub mod dry_run;
mod missing_fields;
mod options;
mod plan;
mod progress;
pub mod report;
pub mod report_file;
mod row_certificate;
mod row_warnings;
mod settled;
mod undrawable_row;

/// Number of rows in a chunk. Progress is recorded after each chunk. Creating a person writes three
/// events, and a group commit has at most 1,000 events, so a chunk of new people fills two group
/// commits.
const CHUNK: usize = 666;
/// Number of chunks that are read ahead of the current one. A row needs up to about 20 KB.
const READ_AHEAD: usize = 1;

/// Error that stops an import.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The file can't be read. The rows before the error stay imported.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The object storage doesn't respond.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The log can't be used.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The uploaded file has expired.
    #[error("the uploaded file has expired; upload it again")]
    SourceGone,
    /// A temporary file can't be written, or the reading task was stopped.
    #[error("the server could not process the file: {0}")]
    Local(String),
}

impl ImportError {
    fn local(error: io::Error) -> Self {
        Self::Local(error.to_string())
    }
}

/// Imports uploaded files.
pub struct Importer {
    commands: Commands,
    storage: ObjectStorage,
    claim_key: Secret,
    limits: Limits,
    renderer: Arc<Renderer>,
}

/// Delivery of the event that requested the import.
pub struct Cause<'e> {
    /// The event.
    pub event: &'e RecordedEvent,
    /// Number of this delivery of the event, starting at 1.
    pub attempt: u32,
}

/// Import in progress.
struct Request<'r> {
    id: ImportId,
    /// First event of the import. The ids of all commands depend on it. So an import that is tried
    /// again finds the rows that it has imported before.
    first: &'r RecordedEvent,
    asked: &'r ImportRequested,
    /// Path of the local copy of the file.
    file: &'r Path,
}

impl Request<'_> {
    /// Creates the context of the `n`th command of a kind, which is executed because of `cause`.
    fn context(&self, cause: &Cause<'_>, kind: &str, n: usize) -> CommandContext {
        CommandContext {
            caused_by: Some(cause.event.into()),
            ..CommandContext::of_process(self.first, kind, n)
        }
    }

    const fn rules(&self) -> RowRules {
        let ImportRequested {
            update_existing,
            requires_document,
            shared_email,
            ..
        } = *self.asked;
        RowRules {
            update_existing,
            requires_document,
            shared_email,
        }
    }
}

/// Result of an import.
#[derive(Default)]
struct ImportedPeople {
    report: ImportReport,
    file: ReportFile,
    /// Number of rows that were not imported; `None` unless the import was cancelled.
    left: Option<u32>,
}

impl Importer {
    /// Creates an importer. It uses `renderer` to find texts that no font can draw.
    #[must_use]
    pub const fn new(
        commands: Commands,
        storage: ObjectStorage,
        claim_key: Secret,
        limits: Limits,
        renderer: Arc<Renderer>,
    ) -> Self {
        Self {
            commands,
            storage,
            claim_key,
            limits,
            renderer,
        }
    }

    /// Returns the object storage of the files.
    #[must_use]
    pub const fn storage(&self) -> &ObjectStorage {
        &self.storage
    }

    /// Imports the file of an import that was requested, or failed and was requested again. Records
    /// the progress and the end of the import.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub async fn import(&self, cause: &Cause<'_>) -> Result<(), ImportError> {
        let Ok(id) = cause.event.id.parse::<ImportId>() else {
            return Ok(());
        };
        let at = Consistency::leader_after(cause.event);
        let import = self.commands.load_at::<Import>(id, &at).await?;
        let Some(request) = import.state.request.clone().filter(|_| !import.state.ended) else {
            return Ok(());
        };
        let mut first = cause.event.clone();
        if first.event_type != "ImportRequested" {
            let log = self.commands.log();
            let begun = log.first(Import::AGGREGATE, &first.id, first.position);
            first = begun.await.map_err(CommandError::from)?;
        }
        let key = ObjectKey::parse(&request.object_key).map_err(StorageError::from)?;
        let file = NamedTempFile::new().map_err(ImportError::local)?;
        let found = self
            .storage
            .get_to_file(&key, file.path(), self.limits.max_bytes)
            .await?;
        if found.is_none() {
            return Err(ImportError::SourceGone);
        }
        let request = Request {
            id,
            first: &first,
            asked: &request,
            file: file.path(),
        };
        let imported = self.import_rows(cause, &request, import).await?;
        self.finish(cause, &request, imported).await?;
        // The people are recorded in the log. The file contains personal data and is no longer
        // needed.
        self.storage.delete(&key).await?;
        Ok(())
    }

    /// Imports the file chunk by chunk. While a chunk is imported, the outcome of the previous one
    /// is recorded.
    async fn import_rows(
        &self,
        cause: &Cause<'_>,
        request: &Request<'_>,
        import: Loaded<Import>,
    ) -> Result<ImportedPeople, ImportError> {
        let mut imported = ImportedPeople::default();
        let mut seen = Seen::default();
        let noted = import.state.through_row;
        let mut unnoted = begun_before(cause, &import);
        let mut progress = self.progress(cause, request, import).await?;
        let mut chunks = read_in_chunks(request.file, request.asked, self.limits);
        let mut settled: Vec<Settled> = Vec::new();
        while let Some(chunk) = chunks.recv().await {
            if progress.import.state.is_cancelling
                && chunk.as_ref().is_ok_and(|rows| is_beyond(rows, noted))
            {
                if unnoted == 0 {
                    imported.left = Some(leave(chunk, chunks, &mut imported.file).await?);
                    break;
                }
                unnoted -= 1;
            }
            let done = std::mem::take(&mut settled);
            let note = self.note(cause, request, &mut progress, &done);
            match chunk {
                Ok(rows) => {
                    (settled, ()) =
                        try_join(self.import_chunk(cause, request, rows, &mut seen), note).await?
                }
                Err(error) => return note.await.and(Err(error)),
            }
            for row in &settled {
                if let Outcome::Rejected(detail) = &row.outcome {
                    imported.file.add(detail).map_err(ImportError::local)?;
                }
                if let Some(warning) = &row.warning {
                    imported.report.warnings += 1;
                    imported.file.add(warning).map_err(ImportError::local)?;
                }
                imported.report.add(row.earned.is_some(), &row.outcome);
            }
        }
        self.note(cause, request, &mut progress, &settled).await?;
        let rest = progress.due.rest();
        self.request_batches(cause, request, &mut progress.batches, rest)
            .await?;
        if progress.import.state.is_cancelling {
            imported.left.get_or_insert(0);
        }
        Ok(imported)
    }

    /// Imports the rows of a chunk. Independent rows are imported concurrently. The outcome is the
    /// same as if all rows were imported one by one.
    async fn import_chunk(
        &self,
        cause: &Cause<'_>,
        request: &Request<'_>,
        rows: Vec<SheetRow>,
        seen: &mut Seen,
    ) -> Result<Vec<Settled>, ImportError> {
        let at = Consistency::leader_after(cause.event);
        let plan = Plan::of(&self.commands, &self.claim_key, request, rows, &at).await?;
        let loaded = &plan.loaded;
        let earlier = &*seen;
        let mut apart = Vec::with_capacity(plan.apart.len());
        for row in plan.apart {
            apart.push(self.decide(cause, request, loaded, earlier, row));
        }
        let mut decided: Vec<Decided> = stream::iter(apart)
            .buffer_unordered(CHUNK)
            .try_collect()
            .await?;
        decided.sort_by_key(Decided::row);
        let mut settled: Vec<_> = decided.into_iter().map(|row| row.settled(seen)).collect();
        for row in plan.in_turn {
            let row = self
                .decide(cause, request, &Arc::default(), &*seen, row)
                .await?;
            settled.push(row.settled(seen));
        }
        settled.sort_by_key(|row| row.row);
        Ok(settled)
    }

    async fn decide(
        &self,
        cause: &Cause<'_>,
        request: &Request<'_>,
        loaded: &Arc<Aggregates>,
        seen: &Seen,
        row: PlannedRow,
    ) -> Result<Decided, ImportError> {
        let number = row.number;
        let Claiming {
            entry,
            claims,
            certificate_id,
            requires_document,
            raw,
        } = match row.person {
            Ok(claiming) => claiming,
            Err(Rejection { raw, errors }) => {
                return Ok(Decided::Rejected(
                    number,
                    ErrorDetail::of_row(number, &raw, errors),
                ));
            }
        };
        let context = request.context(cause, "importer-row", number as usize);
        let source = Source {
            origin: Origin::import(request.id),
            row: Some(number),
        };
        let rules = rules_with(request.rules(), requires_document);
        let candidate = Candidate {
            entry: &entry,
            claims: &claims,
            new_id: AttendeeId::of_row(request.id, number),
            source: Some(&source),
            rules,
            seen,
        };
        let key = self.claim_key.reveal().as_bytes();
        let imported = import_person(&self.commands, key, loaded, &context, candidate).await?;
        let stored = imported.known;
        let imported = explained(imported.outcome, request.rules(), requires_document);
        let certificate_id = certificate_id
            .map(Into::into)
            .or(request.asked.certificate_id);
        let row = RowToCheck {
            number,
            entry: &entry,
            imported: &imported,
            stored: stored.as_ref(),
            raw: &raw,
            is_earning: certificate_id.is_some(),
        };
        let warning = warning(&self.renderer, row);
        Ok(Decided::of(
            number,
            imported,
            entry,
            raw,
            certificate_id,
            warning,
        ))
    }

    /// Records that an import has failed.
    ///
    /// # Errors
    /// The log can't be used.
    pub async fn fail(
        &self,
        cause: &RecordedEvent,
        code: &'static str,
        reason: String,
    ) -> Result<(), CommandError> {
        let failed = ImportFailed {
            code: code.to_owned(),
            reason,
        };
        let context = CommandContext::of_process(cause, "importer-end", 1);
        self.commands
            .execute::<Import>(&context, &cause.id, ImportCommand::Fail(failed))
            .await?;
        Ok(())
    }

    async fn finish(
        &self,
        cause: &Cause<'_>,
        request: &Request<'_>,
        imported: ImportedPeople,
    ) -> Result<(), ImportError> {
        let ImportedPeople { report, file, left } = imported;
        let report_key = import_report_key(request.id.0);
        // A report of a million rows is copied, which takes a while.
        let finished = tokio::task::spawn_blocking(move || file.finish()).await;
        let finished = finished.map_err(|error| ImportError::Local(error.to_string()))?;
        let stored = finished.map_err(ImportError::local)?;
        if let Some(path) = &stored {
            self.storage.put_file(&report_key, path).await?;
        }
        let report_key = stored.map(|_| report_key.to_string());
        metrics::counter!("laureate_import_rows_total").increment(u64::from(report.total_records));
        let context = request.context(cause, "importer-end", 0);
        self.commands
            .execute::<Import>(&context, request.id, end(&report, left, report_key))
            .await?;
        Ok(())
    }
}

/// Returns the number of chunks after the recorded progress that an earlier worker may have begun.
/// Some of their rows may be imported but not recorded. So these chunks are imported completely
/// even if the import is cancelled.
fn begun_before(cause: &Cause<'_>, import: &Loaded<Import>) -> usize {
    let is_first = cause.attempt == 1 && cause.event.event_type == "ImportRequested";
    if !is_first || import.state.through_row > 0 {
        READ_AHEAD + 1
    } else {
        0
    }
}

fn is_beyond(rows: &[SheetRow], noted: u32) -> bool {
    rows.first().is_some_and(|row| row.row > noted)
}

/// Counts the rows that are not imported because of a cancellation, and adds them to the report.
/// Stops at a reading error.
async fn leave(
    first: Result<Vec<SheetRow>, ImportError>,
    mut rest: tokio::sync::mpsc::Receiver<Result<Vec<SheetRow>, ImportError>>,
    file: &mut ReportFile,
) -> Result<u32, ImportError> {
    let mut left = 0;
    let mut chunk = Some(first);
    while let Some(Ok(rows)) = chunk {
        for row in rows {
            left += 1;
            let detail = match row.outcome {
                RowOutcome::Person { raw, .. } => ErrorDetail::left(row.row, &raw),
                RowOutcome::Rejected { raw, errors } => ErrorDetail::of_row(row.row, &raw, errors),
            };
            file.add(&detail).map_err(ImportError::local)?;
        }
        chunk = rest.recv().await;
    }
    Ok(left)
}

/// Returns the command that ends the import.
fn end(report: &ImportReport, left: Option<u32>, report_key: Option<String>) -> ImportCommand {
    let ImportReport {
        total_records: total,
        created,
        updated,
        existing,
        repeated,
        errors,
        warnings,
        ..
    } = *report;
    let associated = report.certificates_associated;
    match left {
        None => ImportCommand::Complete(ImportCompleted {
            total,
            created,
            updated,
            existing,
            repeated,
            errors,
            associated,
            warnings,
            report_key,
        }),
        Some(left) => ImportCommand::RecordCancelled(ImportCancelled {
            total,
            created,
            updated,
            existing,
            repeated,
            errors,
            associated,
            warnings,
            left,
            report_key,
        }),
    }
}
