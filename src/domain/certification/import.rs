//! Import: one uploaded file of people.
//!
//! The log never contains rows. The file and the rejected rows are stored as objects that expire.
//! Events contain only counts, row numbers, codes and ids of the rows.

use serde::{Deserialize, Serialize};
use time::Date;

use super::mail::MailDelivery;
use super::reading::Reading;
use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{AttendeeId, CertificateId, DataSubject, Decider, Refusal, SharedEmail};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A file was stored, and its import was requested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportRequested {
    /// Object key of the file. The object expires.
    pub object_key: String,
    /// Format of the file.
    pub format: FileFormat,
    /// SHA-256 of the file, 64 hex digits.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// True if the data of known people is updated.
    pub update_existing: bool,
    /// Certificate for each person in the file, unless the row names another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_id: Option<CertificateId>,
    /// Delivery of the mails with the certificates.
    #[serde(default, skip_serializing_if = "MailDelivery::is_immediate")]
    pub delivery: MailDelivery,
    /// Options for reading the file. They are stored so that the file is always read in the same
    /// way.
    #[serde(default, skip_serializing_if = "Reading::is_default")]
    pub reading: Reading,
    /// Date on the certificates. If absent, the date of the definition. If that is also absent, the
    /// date of issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
    /// True if a person must have a document number.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub requires_document: bool,
    /// Rule for several people with the same e-mail address.
    #[serde(default, skip_serializing_if = "SharedEmail::is_refuse")]
    pub shared_email: SharedEmail,
}

const fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_yes(value: &bool) -> bool {
    *value
}

/// Rows up to `through_row` were processed. The rejected ones among them are in
/// [`ImportRowsRejected`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportRowsAccepted {
    /// Last row that was processed, by this event or earlier ones.
    pub through_row: u32,
    /// Number of people that these rows created.
    pub created: u32,
    /// Number of people that these rows changed.
    pub updated: u32,
    /// Number of known people in these rows whose data did not change.
    #[serde(default)]
    pub existing: u32,
    /// Certificates for people in these rows. Each occurs once per import.
    pub earned: Vec<Earned>,
    /// People in these rows who were known before the import, with or without changes. Each occurs
    /// once per import.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<AttendeeId>,
}

/// Rows were rejected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportRowsRejected {
    /// The rejected rows, in order.
    pub rows: Vec<RejectedRow>,
}

/// The import reached the end of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportCompleted {
    /// Number of rows in the file, without blank rows.
    pub total: u32,
    /// Number of people who were created.
    pub created: u32,
    /// Number of people whose data changed.
    pub updated: u32,
    /// Number of known people whose data did not change.
    #[serde(default)]
    pub existing: u32,
    /// Number of rows about a person who also has an earlier row in the file.
    #[serde(default)]
    pub repeated: u32,
    /// Number of rejected rows.
    pub errors: u32,
    /// Number of certificates that these people get.
    pub associated: u32,
    /// Number of rows that were imported with a warning.
    #[serde(default)]
    pub warnings: u32,
    /// Object key of the report, which contains the rejected rows and their errors. The object
    /// expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_key: Option<String>,
}

/// The rest of the file could not be read. People from earlier rows stay imported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportFailed {
    /// Stable error code.
    pub code: String,
    /// Error in the file, and how to correct it.
    pub reason: String,
}

/// Cancellation of the import was requested. Remaining rows are not imported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportCancelRequested {}

/// A user or an operator requested that a failed import continues. Rows that were imported before
/// are skipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportRetryRequested {}

/// The import was cancelled. People from earlier rows stay imported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportCancelled {
    /// Number of processed rows, without blank rows.
    pub total: u32,
    /// Number of people who were created.
    pub created: u32,
    /// Number of people whose data changed.
    pub updated: u32,
    /// Number of known people whose data did not change.
    #[serde(default)]
    pub existing: u32,
    /// Number of rows about a person who also has an earlier row in the file.
    #[serde(default)]
    pub repeated: u32,
    /// Number of rejected rows.
    pub errors: u32,
    /// Number of certificates that these people get.
    pub associated: u32,
    /// Number of rows that were imported with a warning.
    #[serde(default)]
    pub warnings: u32,
    /// Number of rows that were not imported. Rows after a read error are not counted.
    pub left: u32,
    /// Object key of the report, which contains the rejected rows and the rows that were not
    /// imported. The object expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_key: Option<String>,
}

domain_events! {
    /// Events of an import.
    ImportEvent for "import" {
        ImportRequested, ImportRowsAccepted, ImportRowsRejected, ImportCompleted, ImportFailed,
        ImportCancelRequested, ImportCancelled, ImportRetryRequested,
    }
}

/// Format of an import file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Text with separators.
    Csv,
    /// Excel 2007 and later.
    Xlsx,
    /// Excel 97 to 2003.
    Xls,
    /// One JSON object per line. This is used for people in the body of a request.
    Json,
}

impl FileFormat {
    /// Returns the name of the format in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::Json => "json",
        }
    }
}

/// A person in the file and the certificate to issue to that person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Earned {
    /// The person.
    pub attendee_id: AttendeeId,
    /// The certificate.
    pub certificate_id: CertificateId,
}

/// Rejected row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedRow {
    /// Number of the row, as a spreadsheet program shows it.
    pub row: u32,
    /// Errors of the row, one per field.
    pub errors: Vec<RejectedField>,
}

/// Error in one field of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedField {
    /// Name of the field in the API. Absent if the error concerns the whole row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Stable code, such as `REQUIRED` or `DUPLICATE`.
    pub code: String,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to an import.
#[derive(Clone, Debug)]
pub enum ImportCommand {
    /// Requests the import of a file.
    Request(ImportRequested),
    /// Records the outcome of the next rows. Has no effect if their outcome is already recorded.
    RecordRows {
        /// The accepted rows.
        accepted: ImportRowsAccepted,
        /// The rejected rows among them.
        rejected: Vec<RejectedRow>,
    },
    /// Records the end of the file.
    Complete(ImportCompleted),
    /// Records that the rest of the file can't be read.
    Fail(ImportFailed),
    /// Requests that the remaining rows are not imported.
    Cancel,
    /// Records that the remaining rows were not imported.
    RecordCancelled(ImportCancelled),
    /// Continues a failed import.
    Retry,
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// State of an import.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportState {
    /// The request; `None` if the import doesn't exist.
    pub request: Option<ImportRequested>,
    /// Last row whose outcome is recorded. A worker that resumes the import records only later
    /// rows.
    pub through_row: u32,
    /// Counts of the recorded rows.
    pub counts: Counts,
    /// True if the cancellation was requested.
    pub is_cancelling: bool,
    /// True if the import was cancelled before its end.
    pub is_cancelled: bool,
    /// True if the end of the import is recorded, because it completed, failed or was cancelled.
    pub ended: bool,
    /// True if the import has failed.
    pub has_failed: bool,
}

/// Counts of rows by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Number of people who were created.
    pub created: u32,
    /// Number of people whose data changed.
    pub updated: u32,
    /// Number of known people whose data did not change.
    pub existing: u32,
    /// Number of rejected rows.
    pub errors: u32,
    /// Number of certificates that these people get.
    pub associated: u32,
}

/// Decider of imports.
pub struct Import;

impl Decider for Import {
    const AGGREGATE: &'static str = "import";
    type State = ImportState;
    type Command = ImportCommand;
    type Event = ImportEvent;

    fn decide(state: &ImportState, command: &ImportCommand) -> Result<Vec<ImportEvent>, Refusal> {
        match (command, &state.request) {
            (ImportCommand::Request(request), None) => Ok(vec![request.clone().into()]),
            (ImportCommand::Request(_), Some(_)) => Err(Refusal::AlreadyExists("import")),
            (_, None) => Err(Refusal::NotFound("import")),
            (ImportCommand::Cancel, Some(_)) if state.is_cancelled => Ok(Vec::new()),
            (ImportCommand::Cancel, Some(_)) if state.ended => Err(Refusal::WrongState(
                "the import has already ended, so it can't be cancelled".to_owned(),
            )),
            (ImportCommand::Cancel, Some(_)) if state.is_cancelling => Ok(Vec::new()),
            (ImportCommand::Cancel, Some(_)) => Ok(vec![ImportCancelRequested {}.into()]),
            (ImportCommand::Retry, Some(_)) if state.has_failed => {
                Ok(vec![ImportRetryRequested {}.into()])
            }
            (ImportCommand::Retry, Some(_)) if state.ended => Err(Refusal::WrongState(
                "the import was completed or cancelled, so it can't be tried again".to_owned(),
            )),
            (ImportCommand::Retry, Some(_)) => Ok(Vec::new()),
            (_, Some(_)) if state.ended => Ok(Vec::new()),
            (ImportCommand::RecordRows { accepted, .. }, Some(_))
                if accepted.through_row <= state.through_row =>
            {
                Ok(Vec::new())
            }
            (ImportCommand::RecordRows { accepted, rejected }, Some(_)) => {
                let mut events = Vec::with_capacity(2);
                if !rejected.is_empty() {
                    events.push(
                        ImportRowsRejected {
                            rows: rejected.clone(),
                        }
                        .into(),
                    );
                }
                events.push(accepted.clone().into());
                Ok(events)
            }
            (ImportCommand::Complete(end), Some(_)) => Ok(vec![end.clone().into()]),
            (ImportCommand::Fail(end), Some(_)) => Ok(vec![end.clone().into()]),
            (ImportCommand::RecordCancelled(end), Some(_)) => Ok(vec![end.clone().into()]),
        }
    }

    fn data_subject(_: &str, _: &ImportState, event: &ImportEvent) -> Option<DataSubject> {
        match event {
            ImportEvent::ImportRequested(_)
            | ImportEvent::ImportRowsAccepted(_)
            | ImportEvent::ImportRowsRejected(_)
            | ImportEvent::ImportCompleted(_)
            | ImportEvent::ImportFailed(_)
            | ImportEvent::ImportCancelRequested(_)
            | ImportEvent::ImportCancelled(_)
            | ImportEvent::ImportRetryRequested(_) => None,
        }
    }

    fn evolve(mut state: ImportState, event: &ImportEvent) -> ImportState {
        match event {
            ImportEvent::ImportRequested(e) => state.request = Some(e.clone()),
            ImportEvent::ImportRowsAccepted(e) => {
                state.through_row = e.through_row;
                state.counts.created = state.counts.created.saturating_add(e.created);
                state.counts.updated = state.counts.updated.saturating_add(e.updated);
                state.counts.existing = state.counts.existing.saturating_add(e.existing);
                state.counts.associated = state.counts.associated.saturating_add(count(&e.earned));
            }
            ImportEvent::ImportRowsRejected(e) => {
                state.counts.errors = state.counts.errors.saturating_add(count(&e.rows));
            }
            ImportEvent::ImportCancelRequested(_) => state.is_cancelling = true,
            ImportEvent::ImportCompleted(_) => state.ended = true,
            ImportEvent::ImportFailed(_) => (state.has_failed, state.ended) = (true, true),
            ImportEvent::ImportRetryRequested(_) => {
                (state.has_failed, state.ended) = (false, false);
                state.is_cancelling = false;
            }
            ImportEvent::ImportCancelled(_) => (state.is_cancelled, state.ended) = (true, true),
        }
        state
    }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
