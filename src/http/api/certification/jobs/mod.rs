//! Jobs: each is one e-mail about one generated certificate.

pub mod history;
pub mod many;
pub mod process_pending;
pub mod read;
pub mod scheduler;
pub mod summary;
pub mod write;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::certification::mail::{MailState, Stage};
use crate::domain::{MailId, Personal};
use crate::http::protocol::names::{JobStateName, JobStatusName};
use crate::http::protocol::timestamp::Timestamp;
use crate::projection::queries::jobs::JobRow;

/// One e-mail about one generated certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobAnswer {
    /// Id of the job.
    pub id: Uuid,
    /// Id of the generated certificate.
    pub generated_certificate_id: Uuid,
    /// `pending` (also held and scheduled), `sent`, `error` (failed or unknown) or `cancelled`.
    #[schema(value_type = JobStatusName)]
    pub status: String,
    /// `queued`, `claimed`, `retrying`, `sent`, `failed`, `unknown`, `held`, `scheduled` or
    /// `cancelled`.
    #[schema(value_type = JobStateName)]
    pub state: String,
    /// Time at which a scheduled mail is sent (RFC 3339); null if it is not scheduled.
    pub due_at: Option<Timestamp>,
    /// Name of the recipient.
    #[schema(value_type = String)]
    pub to_name: Personal<String>,
    /// E-mail address of the recipient.
    #[schema(value_type = String)]
    pub to_address: Personal<String>,
    /// Number of started attempts.
    pub attempts: i32,
    /// Time at which the last attempt started (RFC 3339).
    pub attempted_at: Option<Timestamp>,
    /// Time at which a mail server accepted it (RFC 3339).
    pub sent_at: Option<Timestamp>,
    /// Error of the last attempt, or details of an unknown outcome.
    #[schema(value_type = Option<String>)]
    pub error_message: Option<Personal<String>>,
    /// Reason of the cancellation.
    #[schema(value_type = Option<String>)]
    pub cancel_reason: Option<Personal<String>>,
    /// Last answer of the mail server, in full.
    #[schema(value_type = Option<String>)]
    pub server_answer: Option<Personal<String>>,
    /// Message-ID of the mail; null before the first attempt.
    pub message_id: Option<String>,
    /// Time at which it was queued (RFC 3339).
    pub created_at: Timestamp,
}

impl From<JobRow> for JobAnswer {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id,
            generated_certificate_id: row.issuance_id,
            status: row.status,
            state: row.stage,
            due_at: row.due_at.map(Timestamp),
            to_name: row.to_name,
            to_address: row.to_address,
            attempts: row.attempts,
            attempted_at: row.attempted_at.map(Timestamp),
            sent_at: row.sent_at.map(Timestamp),
            error_message: row.error_message,
            cancel_reason: row.cancel_reason,
            server_answer: row.answer,
            message_id: row.message_id,
            created_at: Timestamp(row.created_at),
        }
    }
}

/// State of a job after a request.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "3f6c1c1e-58a4-4c02-9d1b-0f3a55b7c5a1", "status": "pending", "state": "scheduled",
    "dueAt": "2026-12-01T09:00:00Z", "attempts": 0
}))]
pub struct JobState {
    /// Id of the job.
    id: Uuid,
    /// `pending`, `sent`, `error` or `cancelled`.
    #[schema(value_type = JobStatusName)]
    status: &'static str,
    /// `queued`, `claimed`, `retrying`, `sent`, `failed`, `unknown`, `held`, `scheduled` or
    /// `cancelled`.
    #[schema(value_type = JobStateName)]
    state: &'static str,
    /// Time at which a scheduled mail is sent (RFC 3339); null if it is not scheduled.
    due_at: Option<Timestamp>,
    /// Number of started attempts.
    attempts: u32,
}

impl JobState {
    fn of(id: MailId, job: &MailState) -> Self {
        let (state, status) = named(job.stage);
        Self {
            id: id.0,
            status,
            state,
            due_at: job.due.map(Timestamp),
            attempts: job.attempt,
        }
    }
}

/// Returns the state of a stage and its status, as named in answers.
pub(super) const fn named(stage: Stage) -> (&'static str, &'static str) {
    match stage {
        Stage::Absent | Stage::Queued => ("queued", "pending"),
        Stage::Claimed => ("claimed", "pending"),
        Stage::Retrying => ("retrying", "pending"),
        Stage::Sent => ("sent", "sent"),
        Stage::Failed => ("failed", "error"),
        Stage::Unknown => ("unknown", "error"),
        Stage::Held => ("held", "pending"),
        Stage::Scheduled => ("scheduled", "pending"),
        Stage::Cancelled => ("cancelled", "cancelled"),
    }
}
