//! Import: one uploaded file of people.
//!
//! Rows themselves never enter the log: the file and the rejected rows lie in expiring objects, and
//! events carry counts, row numbers and codes.

use serde::{Deserialize, Serialize};
use time::Date;

use super::email::MailDelivery;
use super::events::domain_events;
use super::reading::Reading;
use super::{AttendeeId, CertificateId, Decider, Refusal, SharedEmail};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A file was stored and is to be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportRequested {
    /// Where the file is stored until it expires.
    pub object_key: String,
    /// What kind of file it is.
    pub format: FileFormat,
    /// SHA-256 of the file, 64 hex digits.
    pub sha256: String,
    /// How many bytes.
    pub size: u64,
    /// Whether people who are known already are changed.
    pub update_existing: bool,
    /// What everybody in the file earns, unless the row says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_id: Option<CertificateId>,
    /// When the mails about what is issued may go out.
    #[serde(default, skip_serializing_if = "MailDelivery::is_immediate")]
    pub delivery: MailDelivery,
    /// Choices for reading the file, so that it is read the same way again.
    #[serde(default, skip_serializing_if = "Reading::is_default")]
    pub reading: Reading,
    /// Date on the certificates; absent for the definition's, or else the date of issuing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_date: Option<Date>,
    /// True if a person must have a document number.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub requires_document: bool,
    /// True if two people may have one e-mail address.
    #[serde(default, skip_serializing_if = "SharedEmail::is_refuse")]
    pub shared_email: SharedEmail,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_yes(value: &bool) -> bool {
    *value
}

/// People of these rows are known now, new or from before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportRowsAccepted {
    /// The last row that this and earlier events cover.
    pub through_row: u32,
    /// People that these rows created.
    pub created: u32,
    /// People that these rows changed.
    pub updated: u32,
    /// People of these rows who were known and stay as they were.
    #[serde(default)]
    pub existing: u32,
    /// Certificates that people of these rows are to get, each once in the import.
    pub earned: Vec<Earned>,
    /// People of these rows who were known before the import, changed or not, each once in the import.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<AttendeeId>,
}

/// These rows were not taken over, or only in part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportRowsRejected {
    /// The rows, in order.
    pub rows: Vec<RejectedRow>,
}

/// The file was read to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportCompleted {
    /// Rows in the file, blank ones not counted.
    pub total: u32,
    /// People created.
    pub created: u32,
    /// People changed.
    pub updated: u32,
    /// People who were known and stay as they were.
    #[serde(default)]
    pub existing: u32,
    /// Rows about a person whom an earlier row of the file is about.
    #[serde(default)]
    pub repeated: u32,
    /// Rows rejected.
    pub errors: u32,
    /// Certificates that people get.
    pub associated: u32,
    /// Where the rejected rows with their reasons are stored until they expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_key: Option<String>,
}

/// The file could not be read on; what was taken over before stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportFailed {
    /// The error's stable code.
    pub code: String,
    /// What is wrong with the file and what to do.
    pub reason: String,
}

/// Somebody wants the rows that are not taken in yet to be left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportCancelRequested {}

/// Reading stopped because somebody wanted it; what was taken over before stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportCancelled {
    /// Rows that were dealt with, blank ones not counted.
    pub total: u32,
    /// People created.
    pub created: u32,
    /// People changed.
    pub updated: u32,
    /// People who were known and stay as they were.
    #[serde(default)]
    pub existing: u32,
    /// Rows about a person whom an earlier row of the file is about.
    #[serde(default)]
    pub repeated: u32,
    /// Rows rejected.
    pub errors: u32,
    /// Certificates that people get.
    pub associated: u32,
    /// Rows that were left, as far as the file could be read.
    pub left: u32,
    /// Where the rejected rows and those that were left are stored until they expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_key: Option<String>,
}

domain_events! {
    /// What can happen to an import.
    ImportEvent for "import" {
        ImportRequested, ImportRowsAccepted, ImportRowsRejected, ImportCompleted, ImportFailed,
        ImportCancelRequested, ImportCancelled,
    }
}

/// The kinds of files that people come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Separated values.
    Csv,
    /// Excel 2007 and later.
    Xlsx,
    /// Excel 97 to 2003.
    Xls,
    /// A line of JSON each: people that came in a request's body.
    Json,
}

/// Somebody in the file, and what they earn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Earned {
    /// Who.
    pub attendee_id: AttendeeId,
    /// What.
    pub certificate_id: CertificateId,
}

/// A row that was not taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedRow {
    /// The row's number as a spreadsheet program shows it.
    pub row: u32,
    /// What is wrong, field by field.
    pub errors: Vec<RejectedField>,
}

/// What is wrong with one field of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedField {
    /// The field's name in the API; absent where the row as a whole is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// A stable code, such as `REQUIRED` or `DUPLICATE`.
    pub code: String,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// What can be asked of an import.
#[derive(Clone, Debug)]
pub enum ImportCommand {
    /// Read this file.
    Request(ImportRequested),
    /// Note what became of the next rows; rows that are noted already are passed over.
    RecordRows {
        /// The rows taken over.
        accepted: ImportRowsAccepted,
        /// The rows that were not.
        rejected: Vec<RejectedRow>,
    },
    /// Note the end of the file.
    Complete(ImportCompleted),
    /// Note that the file can't be read on.
    Fail(ImportFailed),
    /// Leave the rows that are not taken in yet.
    Cancel,
    /// Note that they were left.
    RecordCancelled(ImportCancelled),
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// How far the import is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportState {
    /// What was asked for.
    pub request: Option<ImportRequested>,
    /// The last row that is dealt with; a worker that takes over goes on after it.
    pub through_row: u32,
    /// The counts so far.
    pub counts: Counts,
    /// Whether the rows to come are to be left.
    pub is_cancelling: bool,
    /// Whether the end was recorded, good or bad.
    pub ended: bool,
}

/// Rows by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// People created.
    pub created: u32,
    /// People changed.
    pub updated: u32,
    /// People who were known and stay as they were.
    pub existing: u32,
    /// Rows rejected.
    pub errors: u32,
    /// Certificates that people get.
    pub associated: u32,
}

/// The decider of imports.
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
            (ImportCommand::Cancel, Some(_)) if state.is_cancelling => Ok(Vec::new()),
            (ImportCommand::Cancel, Some(_)) if state.ended => {
                Err(Refusal::WrongState("the import has ended; there is nothing left to cancel".to_owned()))
            }
            (ImportCommand::Cancel, Some(_)) => Ok(vec![ImportCancelRequested {}.into()]),
            (_, Some(_)) if state.ended => Ok(Vec::new()),
            (ImportCommand::RecordRows { accepted, .. }, Some(_))
                if accepted.through_row <= state.through_row =>
            {
                Ok(Vec::new())
            }
            (ImportCommand::RecordRows { accepted, rejected }, Some(_)) => {
                let mut events = Vec::with_capacity(2);
                if !rejected.is_empty() {
                    events.push(ImportRowsRejected { rows: rejected.clone() }.into());
                }
                events.push(accepted.clone().into());
                Ok(events)
            }
            (ImportCommand::Complete(end), Some(_)) => Ok(vec![end.clone().into()]),
            (ImportCommand::Fail(end), Some(_)) => Ok(vec![end.clone().into()]),
            (ImportCommand::RecordCancelled(end), Some(_)) => Ok(vec![end.clone().into()]),
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
            ImportEvent::ImportCompleted(_)
            | ImportEvent::ImportFailed(_)
            | ImportEvent::ImportCancelled(_) => state.ended = true,
        }
        state
    }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
