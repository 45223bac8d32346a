//! Importer: reads an uploaded file and takes its people in, row by row, in chunks.
//!
//! A worker that takes over after a crash reads the file from its start again: every row's command
//! has the id it had, so what was done is found and not done twice, and the report comes out whole.

use std::collections::HashSet;
use std::path::Path;

use futures_util::{StreamExt, TryStreamExt, stream};
use tempfile::NamedTempFile;
use thiserror::Error;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Delivery, Verdict, Worker};
use crate::commands::take_in_row::{PersonClaims, Row, rejection, take_in_row};
use crate::commands::{CommandContext, CommandError, Commands};
use crate::domain::attendee::ImportedRow;
use crate::domain::import::{
    Earned, FileFormat, Import, ImportCommand, ImportCompleted, ImportEvent, ImportFailed, ImportRequested,
    ImportRowsAccepted, RejectedField, RejectedRow,
};
use crate::domain::{Event, ImportId, Secret};
use crate::process::import::RowPlan;
use crate::sheet::{self, Format, Limits, RawRow, RowOutcome, SheetError, SheetReader, SheetRow};
use crate::storage::{ObjectKey, ObjectStorage, StorageError, import_report_key};

use report::{ErrorDetail, ImportReport, Outcome};

pub mod dry_run;
pub mod report;

/// Rows that are taken in together; progress is recorded after each chunk.
const CHUNK: usize = 500;
/// Rows under way at once; they share group commits.
const AT_ONCE: usize = 256;
/// Chunks read ahead of the one that is being taken in.
const READ_AHEAD: usize = 2;

/// Why an import can't go on.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The file can't be read; what came before stays.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The object storage doesn't answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The log can't be used.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The uploaded file has expired.
    #[error("the uploaded file is gone; upload it again")]
    SourceGone,
    /// A temporary file can't be written, or the reading task was stopped.
    #[error("the file could not be read here: {0}")]
    Local(String),
}

/// What everybody in a file is to get, and what happens to those who are known.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// Whether people who are known already are changed.
    pub update_existing: bool,
    /// What everybody in the file earns, unless the row says otherwise.
    pub certificate_id: Option<Uuid>,
}

/// The worker on `ImportRequested`.
pub struct Importer {
    commands: Commands,
    storage: ObjectStorage,
    claim_key: Secret,
    limits: Limits,
}

/// A row that reached a decision.
struct Settled {
    row: u32,
    earned: Option<Earned>,
    outcome: Outcome,
}

impl Importer {
    /// One on a log and a storage.
    #[must_use]
    pub const fn new(commands: Commands, storage: ObjectStorage, claim_key: Secret, limits: Limits) -> Self {
        Self { commands, storage, claim_key, limits }
    }

    async fn import(&self, delivery: &Delivery) -> Result<(), ImportError> {
        let Event::Import(ImportEvent::ImportRequested(request)) =
            delivery.event.decode().map_err(CommandError::from)?
        else {
            return Ok(());
        };
        let Ok(id) = delivery.event.id.parse::<ImportId>() else { return Ok(()) };
        if self.commands.load::<Import>(id).await?.state.ended {
            return Ok(());
        }
        let key = ObjectKey::parse(&request.object_key).map_err(StorageError::from)?;
        let file = NamedTempFile::new().map_err(|error| ImportError::Local(error.to_string()))?;
        let found = self.storage.get_to_file(&key, file.path(), self.limits.max_bytes).await?;
        if found.is_none() {
            return Err(ImportError::SourceGone);
        }
        let report = self.take_in(delivery, id, &request, file.path()).await?;
        self.finish(delivery, id, report).await?;
        // The people are in the log now; the file itself is personal data that nobody needs any more.
        self.storage.delete(&key).await?;
        Ok(())
    }

    async fn take_in(
        &self,
        delivery: &Delivery,
        id: ImportId,
        request: &ImportRequested,
        file: &Path,
    ) -> Result<ImportReport, ImportError> {
        let mut report = ImportReport::default();
        let mut chunks = read_in_chunks(file, request.format, self.limits);
        while let Some(chunk) = chunks.recv().await {
            let rows = chunk?;
            let Some(through_row) = rows.last().map(|row| row.row) else { continue };
            let settled = self.take_in_chunk(delivery, id, request, rows).await?;
            let command = record_rows(through_row, &settled);
            for row in settled {
                report.add(row.earned.is_some(), row.outcome);
            }
            let context = CommandContext::of_process(&delivery.event, "importer-rows", through_row as usize);
            self.commands.execute::<Import>(&context, id, command).await?;
        }
        Ok(report)
    }

    /// Takes rows in side by side. Rows that share an e-mail address or a document number with an
    /// earlier one of the chunk come after it, in order, so that the first in the file wins.
    async fn take_in_chunk(
        &self,
        delivery: &Delivery,
        id: ImportId,
        request: &ImportRequested,
        rows: Vec<SheetRow>,
    ) -> Result<Vec<Settled>, ImportError> {
        let mut seen = HashSet::new();
        let (mut first, mut later) = (Vec::new(), Vec::new());
        for row in rows {
            let apart = match &row.outcome {
                RowOutcome::Person { person, .. } => {
                    let claims = PersonClaims::of(self.claim_key.reveal().as_bytes(), person);
                    // Both are inserted, also where the first is taken already.
                    let email = seen.insert(claims.email);
                    seen.insert(claims.document) && email
                }
                RowOutcome::Rejected { .. } => true,
            };
            if apart { first.push(row) } else { later.push(row) }
        }
        let settle = |row| self.settle(delivery, id, request, row);
        let mut settled: Vec<_> =
            stream::iter(first.into_iter().map(settle)).buffered(AT_ONCE).try_collect().await?;
        for row in later {
            settled.push(settle(row).await?);
        }
        settled.sort_by_key(|row| row.row);
        Ok(settled)
    }

    async fn settle(
        &self,
        delivery: &Delivery,
        id: ImportId,
        request: &ImportRequested,
        row: SheetRow,
    ) -> Result<Settled, ImportError> {
        let number = row.row;
        let (person, own_certificate, raw) = match row.outcome {
            RowOutcome::Rejected { raw, errors } => {
                let outcome = Outcome::Rejected(ErrorDetail::of_row(number, &raw, errors));
                return Ok(Settled { row: number, earned: None, outcome });
            }
            RowOutcome::Person { person, certificate_id, raw } => (person, certificate_id, raw),
        };
        let context = CommandContext::of_process(&delivery.event, "importer-row", number as usize);
        let source = ImportedRow { import_id: id, row: number };
        let row = Row { person: &person, source, update_existing: request.update_existing };
        let plan = take_in_row(&self.commands, self.claim_key.reveal().as_bytes(), &context, row).await?;
        let certificate_id = own_certificate.map(Into::into).or(request.certificate_id);
        Ok(settled(number, plan, certificate_id, &raw))
    }

    async fn finish(
        &self,
        delivery: &Delivery,
        id: ImportId,
        report: ImportReport,
    ) -> Result<(), ImportError> {
        let report_key = import_report_key(id.0);
        if !report.error_details.is_empty() {
            let json = serde_json::to_vec(&report).map_err(|error| ImportError::Local(error.to_string()))?;
            self.storage.put(&report_key, json.into()).await?;
        }
        let completed = ImportCompleted {
            total: report.total_records,
            created: report.created,
            updated: report.updated,
            errors: report.errors,
            associated: report.certificates_associated,
            report_key: (!report.error_details.is_empty()).then(|| report_key.to_string()),
        };
        let context = CommandContext::of_process(&delivery.event, "importer-end", 0);
        self.commands.execute::<Import>(&context, id, ImportCommand::Complete(completed)).await?;
        metrics::counter!("laureate_import_rows_total").increment(u64::from(report.total_records));
        Ok(())
    }

    async fn fail(&self, delivery: &Delivery, code: &'static str, reason: String) -> Verdict {
        let failed = ImportFailed { code: code.to_owned(), reason };
        let context = CommandContext::of_process(&delivery.event, "importer-end", 1);
        match self.commands.execute::<Import>(&context, &delivery.event.id, ImportCommand::Fail(failed)).await
        {
            Ok(_) => Verdict::GiveUp { why: code.to_owned() },
            Err(error) => Verdict::unavailable(delivery.attempt, &error),
        }
    }
}

fn settled(
    row: u32,
    plan: RowPlan,
    certificate_id: Option<crate::domain::CertificateId>,
    raw: &RawRow,
) -> Settled {
    let holder = match plan {
        RowPlan::Create(id) | RowPlan::Update(id) | RowPlan::Duplicate { attendee_id: id, .. } => Some(id),
        RowPlan::TwoPeople => None,
    };
    let earned = holder
        .zip(certificate_id)
        .map(|(attendee_id, certificate_id)| Earned { attendee_id, certificate_id });
    let outcome = match (plan, rejection(plan)) {
        (_, Some((code, field))) => Outcome::Rejected(ErrorDetail::of_plan(row, raw, code, field)),
        (RowPlan::Create(_), None) => Outcome::Created,
        (_, None) => Outcome::Updated,
    };
    Settled { row, earned, outcome }
}

fn record_rows(through_row: u32, settled: &[Settled]) -> ImportCommand {
    let count = |wanted: fn(&Outcome) -> bool| {
        u32::try_from(settled.iter().filter(|row| wanted(&row.outcome)).count()).unwrap_or(u32::MAX)
    };
    let rejected = settled.iter().filter_map(|row| match &row.outcome {
        Outcome::Rejected(detail) => Some(RejectedRow {
            row: row.row,
            errors: detail
                .errors
                .iter()
                .map(|error| RejectedField { field: error.field.clone(), code: error.code.clone() })
                .collect(),
        }),
        Outcome::Created | Outcome::Updated => None,
    });
    let accepted = ImportRowsAccepted {
        through_row,
        created: count(|outcome| matches!(outcome, Outcome::Created)),
        updated: count(|outcome| matches!(outcome, Outcome::Updated)),
        earned: settled.iter().filter_map(|row| row.earned).collect(),
    };
    ImportCommand::RecordRows { accepted, rejected: rejected.collect() }
}

/// Reads a file on a thread of its own and hands its rows over in chunks.
fn read_in_chunks(
    file: &Path,
    format: FileFormat,
    limits: Limits,
) -> mpsc::Receiver<Result<Vec<SheetRow>, ImportError>> {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    let file = file.to_owned();
    tokio::task::spawn_blocking(move || {
        let reader = match sheet::open(&file, format.into(), limits) {
            Ok(reader) => reader,
            Err(error) => {
                // The receiver is gone only where the import was given up.
                let _ = sender.blocking_send(Err(error.into()));
                return;
            }
        };
        hand_over(reader, &sender);
    });
    receiver
}

fn hand_over(reader: SheetReader, sender: &mpsc::Sender<Result<Vec<SheetRow>, ImportError>>) {
    let mut chunk = Vec::with_capacity(CHUNK);
    for row in reader {
        match row {
            Ok(row) => chunk.push(row),
            Err(error) => {
                let _ = sender.blocking_send(Ok(chunk));
                let _ = sender.blocking_send(Err(error.into()));
                return;
            }
        }
        if chunk.len() == CHUNK && sender.blocking_send(Ok(std::mem::take(&mut chunk))).is_err() {
            return;
        }
    }
    let _ = sender.blocking_send(Ok(chunk));
}

impl From<FileFormat> for Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Csv => Self::Csv,
            FileFormat::Xlsx => Self::Xlsx,
        }
    }
}

impl From<Format> for FileFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Xlsx => Self::Xlsx,
        }
    }
}

impl Worker for Importer {
    const NAME: &'static str = "importer";

    fn wants(event_type: &str) -> bool {
        event_type == "ImportRequested"
    }

    async fn work(&self, deliveries: &[Delivery]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            verdicts.push(match self.import(delivery).await {
                Ok(()) => Verdict::Done,
                // Our disk, not the file.
                Err(error @ ImportError::Sheet(SheetError::Io(_))) => {
                    Verdict::unavailable(delivery.attempt, &error)
                }
                Err(ImportError::Sheet(error)) => self.fail(delivery, error.code(), error.to_string()).await,
                Err(error @ ImportError::SourceGone) => {
                    self.fail(delivery, "FILE_EXPIRED", error.to_string()).await
                }
                Err(error) => Verdict::unavailable(delivery.attempt, &error),
            });
        }
        verdicts
    }
}
