//! Jobs. A job is one mail about one generated certificate.

pub mod history;
pub mod many;
pub mod process_pending;
pub mod read;
pub mod scheduler;
pub mod summary;
pub mod write;

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use self::history::{Attempt, attempts};
use crate::commands::History;
use crate::domain::certification::mail::{Mail, MailEvent, MailState, Stage};
use crate::domain::{MailId, Personal};
use crate::event_log::Position;
use crate::http::api::certification::delivery::Delivery;
use crate::http::protocol::names::{JobStateName, JobStatusName};
use crate::http::protocol::timestamp::Timestamp;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs::JobRow;

/// One mail about one generated certificate.
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
    /// Delivery, which `PATCH /jobs/{id}` changes: `held`, or a time for a scheduled mail.
    /// `immediate` if it no longer waits for a release.
    pub delivery: Delivery,
    /// Time at which a scheduled mail is sent, or of the next attempt in the state `retrying` (RFC
    /// 3339); null in other states.
    pub due_at: Option<Timestamp>,
    /// Name of the recipient.
    #[schema(value_type = String)]
    pub to_name: Personal<String>,
    /// E-mail address of the recipient.
    #[schema(value_type = String)]
    pub to_address: Personal<String>,
    /// Number of the last attempt.
    pub attempts: i32,
    /// Time of the last attempt: its start, or the refusal of the recipient (RFC 3339).
    pub attempted_at: Option<Timestamp>,
    /// Time at which a mail server accepted the mail (RFC 3339).
    pub sent_at: Option<Timestamp>,
    /// Error of the last attempt, or details of an unknown outcome.
    #[schema(value_type = Option<String>)]
    pub error_message: Option<Personal<String>>,
    /// Reason for the cancellation.
    #[schema(value_type = Option<String>)]
    pub cancel_reason: Option<Personal<String>>,
    /// Complete last response of the mail server.
    #[schema(value_type = Option<String>)]
    pub server_answer: Option<Personal<String>>,
    /// Message-ID of the mail. Null until the mail server has accepted a recipient.
    pub message_id: Option<String>,
    /// Time at which the mail was queued (RFC 3339).
    pub created_at: Timestamp,
    /// Time of the last change (RFC 3339).
    pub updated_at: Timestamp,
}

impl From<JobRow> for JobAnswer {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id,
            generated_certificate_id: row.issuance_id,
            status: row.status,
            delivery: delivery(&row.stage, row.due_at),
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
            updated_at: Timestamp(row.updated_at),
        }
    }
}

fn delivery(state: &str, due_at: Option<OffsetDateTime>) -> Delivery {
    match (state, due_at) {
        ("scheduled", Some(due_at)) => Delivery::At(Timestamp(due_at).to_string()),
        ("held", _) => Delivery::Held,
        _ => Delivery::Immediate,
    }
}

/// A job with its attempts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobDetail {
    /// Data of the job.
    #[serde(flatten)]
    job: JobAnswer,
    /// The last 100 attempts, oldest first.
    history: Vec<Attempt>,
}

impl JobDetail {
    /// Returns the job from its events in the log.
    ///
    /// # Errors
    /// 404 if there is none.
    fn of_history(id: MailId, history: History<Mail>) -> Result<Self, ApiError> {
        let attempts = attempts(&history.events);
        let MailState {
            stage, mail, due, ..
        } = history.state;
        let mail = mail.ok_or_else(|| ApiError::not_found("job"))?;
        let (state, status) = named(stage);
        let mut job = JobAnswer {
            id: id.0,
            generated_certificate_id: mail.issuance_id.0,
            status: status.to_owned(),
            state: state.to_owned(),
            delivery: delivery(state, due),
            due_at: due.map(Timestamp),
            to_name: mail.to_name,
            to_address: mail.to_address,
            attempts: 0,
            attempted_at: None,
            sent_at: None,
            error_message: None,
            cancel_reason: None,
            server_answer: None,
            message_id: None,
            created_at: Timestamp(history.created_at),
            updated_at: Timestamp(history.updated_at),
        };
        for (time, event) in history.events {
            job.apply(Timestamp(time), event);
        }
        Ok(Self {
            job,
            history: attempts,
        })
    }
}

impl JobAnswer {
    /// Updates the fields about attempts and outcomes from an event, in the same way as the
    /// projection of jobs.
    fn apply(&mut self, time: Timestamp, event: MailEvent) {
        match event {
            MailEvent::SendClaimed(claim) => {
                self.attempted(claim.attempt, time);
                self.message_id = Some(claim.message_id);
            }
            MailEvent::EmailSent(sent) => {
                self.sent_at = Some(time);
                self.error_message = None;
                self.cancel_reason = None;
                self.server_answer = Some(sent.answer);
            }
            MailEvent::EmailFailed(failed) => {
                self.attempted(failed.attempt, time);
                self.error_message = Some(failed.answer.clone());
                if !failed.unanswered {
                    self.server_answer = Some(failed.answer);
                }
            }
            MailEvent::EmailOutcomeUnknown(unknown) => {
                self.attempted(unknown.attempt, time);
                self.error_message = Some(unknown.detail);
            }
            MailEvent::EmailCancelled(cancelled) => self.cancel_reason = Some(cancelled.reason),
            MailEvent::EmailQueued(_)
            | MailEvent::EmailReleased(_)
            | MailEvent::EmailRescheduled(_)
            | MailEvent::EmailRetryRequested(_) => {}
        }
    }

    /// Sets the number and time of the last attempt if this is a later one.
    fn attempted(&mut self, attempt: u32, time: Timestamp) {
        let attempt = i32::try_from(attempt).unwrap_or(i32::MAX);
        if attempt > self.attempts {
            self.attempts = attempt;
            self.attempted_at = Some(time);
        }
    }
}

/// Returns the job in this version.
///
/// # Errors
/// 404 if there is none.
pub(super) async fn answer(
    http: &HttpState,
    id: MailId,
    version: Position,
) -> Result<Answer, ApiError> {
    let history = http.commands.history::<Mail>(id, version).await?;
    Ok(Answer::ok(&JobDetail::of_history(id, history)?)?.version(version))
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

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::Decider as _;
    use crate::domain::certification::mail::samples::queued;
    use crate::domain::certification::mail::{EmailFailed, OnUnknown};

    #[test]
    fn failure_without_an_answer_keeps_the_last_answer() {
        let time = datetime!(2026-11-21 12:00 UTC);
        let failed = |attempt, unanswered, answer: &str| -> MailEvent {
            EmailFailed {
                attempt,
                permanent: false,
                retry_at: Some(time),
                unanswered,
                answer: answer.to_owned().into(),
            }
            .into()
        };
        let events = vec![
            queued(OnUnknown::Park).into(),
            failed(1, false, "451 later"),
            failed(2, true, "connection closed"),
        ];
        let history = History::<Mail> {
            state: Mail::fold(&events),
            latest: Mail::fold(&events),
            events: events.into_iter().map(|event| (time, event)).collect(),
            created_at: time,
            updated_at: time,
        };
        let id = MailId(uuid::Uuid::nil());
        let Ok(JobDetail { job, .. }) = JobDetail::of_history(id, history) else {
            panic!("it was queued")
        };
        let text = |text: Option<Personal<String>>| text.map(|text| text.reveal_str().to_owned());
        assert_eq!(text(job.server_answer).as_deref(), Some("451 later"));
        assert_eq!(
            text(job.error_message).as_deref(),
            Some("connection closed")
        );
    }
}
