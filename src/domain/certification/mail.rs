//! E-mail with one certificate. The API calls it "job".
//!
//! SMTP can't deliver a mail exactly once. So the mailer claims a mail in the log before it calls
//! the mail server. If no outcome is recorded for a claim, the mail's policy decides whether the
//! mail is sent again.
//!
//! A mail may wait before its first attempt: held until a user releases it, or scheduled for a
//! time.

mod delivery;
mod waiting;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::kernel::domain_event::domain_events;
use crate::domain::{AttendeeId, DataSubject, Decider, IssuanceId, Locale, Personal, Refusal};

pub use delivery::MailDelivery;
use waiting::{cancel, release, reschedule};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A mail was queued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailQueued {
    /// The issuance of the certificate.
    pub issuance_id: IssuanceId,
    /// Recipient.
    pub attendee_id: AttendeeId,
    /// Name of the recipient.
    pub to_name: Personal<String>,
    /// Address of the recipient.
    pub to_address: Personal<String>,
    /// Language of the mail.
    pub locale: Locale,
    /// Issuing organisation.
    pub client: String,
    /// Name of the certificate.
    pub certificate_name: String,
    /// Course or event that was attended or passed.
    pub event_name: String,
    /// Link in the mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_link: Option<String>,
    /// Public address of the PDF. No login is needed.
    pub download_link: String,
    /// Object key of the attached PDF.
    pub object_key: String,
    /// SHA-256 of the attached PDF, 64 hex digits.
    pub sha256: String,
    /// Policy for a claim that has no recorded outcome.
    pub on_unknown: OnUnknown,
    /// Time at which the mail may be sent.
    #[serde(default, skip_serializing_if = "MailDelivery::is_immediate")]
    pub delivery: MailDelivery,
}

/// A worker claimed the mail and is about to pass it to the mail server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendClaimed {
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Message-ID of the mail (RFC 5322 §3.6.4), which is the same for all attempts.
    pub message_id: String,
}

/// The mail server accepted the mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailSent {
    /// Number of the attempt.
    pub attempt: u32,
    /// Full response of the mail server.
    pub answer: Personal<String>,
}

/// The mail server rejected the mail or was not available.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailFailed {
    /// Number of the attempt.
    pub attempt: u32,
    /// True if another attempt can't succeed.
    pub permanent: bool,
    /// True if another attempt follows automatically.
    pub will_retry: bool,
    /// Full response of the mail server.
    pub answer: Personal<String>,
}

/// The outcome of the attempt is unknown, because the mail server may have accepted the mail. A
/// user decides whether it is sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailOutcomeUnknown {
    /// Number of the attempt.
    pub attempt: u32,
    /// Known details.
    pub detail: Personal<String>,
}

/// A user requested another attempt for a failed mail or one with an unknown outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailRetryRequested {}

/// A held or scheduled mail may be sent, because a user released it or its time has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailReleased {}

/// The delivery of a held or scheduled mail changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailRescheduled {
    /// New delivery. It is never immediate, because an immediate delivery is recorded as a release.
    pub delivery: MailDelivery,
}

/// The mail was cancelled. It is not sent, or not sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailCancelled {
    /// Reason. A user may have written it.
    pub reason: Personal<String>,
}

domain_events! {
    /// Events of an e-mail with a certificate.
    MailEvent for "email" {
        EmailQueued, SendClaimed, EmailSent, EmailFailed, EmailOutcomeUnknown, EmailRetryRequested,
        EmailReleased, EmailRescheduled, EmailCancelled,
    }
}

/// Policy for a mail with a claim that has no recorded outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Waits for a decision of a user: at-most-once delivery.
    #[default]
    Park,
    /// Sends the mail again with the same Message-ID: at-least-once delivery.
    Retry,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// Commands to an e-mail with a certificate.
#[derive(Clone, Debug)]
pub enum MailCommand {
    /// Queues the mail.
    Queue(Box<EmailQueued>),
    /// Claims the next attempt. If a claim without a recorded outcome exists, the mail's policy is
    /// applied.
    Claim {
        /// Message-ID for all attempts.
        message_id: String,
    },
    /// Records that the mail server accepted the mail.
    RecordSent(EmailSent),
    /// Records that the claimed attempt failed.
    RecordFailure(EmailFailed),
    /// Records that the outcome of the claimed attempt is unknown.
    RecordUnknown(EmailOutcomeUnknown),
    /// Ends the mail, because no worker continues with it. The outcome of a claimed mail becomes
    /// unknown, because the mail may have been sent. A queued or retrying mail fails. Other mails
    /// don't change.
    Abandon {
        /// Reason, without personal data.
        why: String,
    },
    /// Requests another attempt for a failed mail or one with an unknown outcome.
    Retry,
    /// Releases a held or scheduled mail.
    Release,
    /// Releases a scheduled mail if its time has come. Other mails don't change.
    ReleaseDue {
        /// Current time.
        now: OffsetDateTime,
    },
    /// Changes the delivery of a held or scheduled mail. Immediate delivery releases the mail.
    Reschedule(MailDelivery),
    /// Cancels the mail. A claimed mail can't be cancelled, because a worker may be sending it.
    Cancel {
        /// Reason.
        reason: Personal<String>,
    },
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// Stage of a mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// The mail was never queued.
    #[default]
    Absent,
    /// The mail waits for a worker, for its first attempt or one that a user requested.
    Queued,
    /// A worker is sending the mail, or it stopped before it recorded the outcome.
    Claimed,
    /// The mail waits for another attempt after a temporary failure.
    Retrying,
    /// The mail server accepted the mail.
    Sent,
    /// The mail failed, and there is no further automatic attempt.
    Failed,
    /// The outcome is unknown. A user decides whether the mail is sent again.
    Unknown,
    /// The mail waits until a user releases it.
    Held,
    /// The mail waits for its time, [`MailState::due`].
    Scheduled,
    /// The mail was cancelled. It is not sent, or not sent again.
    Cancelled,
}

/// State of an e-mail with a certificate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MailState {
    /// Stage of the mail.
    pub stage: Stage,
    /// Number of the last attempt; 0 before the first attempt.
    pub attempt: u32,
    /// The queued mail.
    pub mail: Option<EmailQueued>,
    /// Time at which a scheduled mail may be sent; `None` in other stages.
    pub due: Option<OffsetDateTime>,
}

/// Decider of e-mails with certificates.
pub struct Mail;

impl Decider for Mail {
    const AGGREGATE: &'static str = "email";
    type State = MailState;
    type Command = MailCommand;
    type Event = MailEvent;

    fn decide(state: &MailState, command: &MailCommand) -> Result<Vec<MailEvent>, Refusal> {
        match (command, state.stage) {
            (MailCommand::Queue(mail), Stage::Absent) => {
                Ok(vec![MailEvent::from((**mail).clone())])
            }
            (MailCommand::Queue(_), _) => Ok(Vec::new()),
            (_, Stage::Absent) => Err(Refusal::NotFound("job")),
            (MailCommand::Claim { message_id }, stage) => claim(state, stage, message_id),
            (MailCommand::RecordSent(e), Stage::Claimed) if e.attempt == state.attempt => {
                Ok(vec![e.clone().into()])
            }
            (MailCommand::RecordFailure(e), Stage::Claimed) if e.attempt == state.attempt => {
                Ok(vec![e.clone().into()])
            }
            (MailCommand::RecordUnknown(e), Stage::Claimed) if e.attempt == state.attempt => {
                Ok(vec![e.clone().into()])
            }
            (
                MailCommand::RecordSent(_)
                | MailCommand::RecordFailure(_)
                | MailCommand::RecordUnknown(_),
                _,
            ) => Err(Refusal::WrongState(
                "this outcome belongs to an earlier attempt".to_owned(),
            )),
            (MailCommand::Abandon { why }, stage) => Ok(abandon(state.attempt, stage, why)),
            (MailCommand::Retry, Stage::Failed | Stage::Unknown) => {
                Ok(vec![EmailRetryRequested {}.into()])
            }
            (MailCommand::Retry, _) => Err(Refusal::WrongState(
                "only a job in error or with an unknown outcome can be retried".to_owned(),
            )),
            (MailCommand::Release, stage) => release(stage),
            (MailCommand::ReleaseDue { now }, Stage::Scheduled)
                if state.due.is_some_and(|due| due <= *now) =>
            {
                Ok(vec![EmailReleased {}.into()])
            }
            (MailCommand::ReleaseDue { .. }, _) => Ok(Vec::new()),
            (MailCommand::Reschedule(delivery), stage) => reschedule(state, stage, *delivery),
            (MailCommand::Cancel { reason }, stage) => cancel(stage, reason),
        }
    }

    fn data_subject(_: &str, state: &MailState, event: &MailEvent) -> Option<DataSubject> {
        match event {
            MailEvent::EmailQueued(e) => Some(DataSubject::Attendee(e.attendee_id.0)),
            MailEvent::SendClaimed(_)
            | MailEvent::EmailSent(_)
            | MailEvent::EmailFailed(_)
            | MailEvent::EmailOutcomeUnknown(_)
            | MailEvent::EmailRetryRequested(_)
            | MailEvent::EmailReleased(_)
            | MailEvent::EmailRescheduled(_)
            | MailEvent::EmailCancelled(_) => {
                let mail = state.mail.as_ref()?;
                Some(DataSubject::Attendee(mail.attendee_id.0))
            }
        }
    }

    fn evolve(mut state: MailState, event: &MailEvent) -> MailState {
        state.stage = match event {
            MailEvent::EmailQueued(mail) => {
                state.mail = Some(mail.clone());
                waits(&mut state, mail.delivery)
            }
            MailEvent::EmailRescheduled(e) => waits(&mut state, e.delivery),
            MailEvent::EmailReleased(_) => waits(&mut state, MailDelivery::Immediate),
            MailEvent::EmailCancelled(_) => {
                state.due = None;
                Stage::Cancelled
            }
            MailEvent::SendClaimed(e) => {
                state.attempt = e.attempt;
                Stage::Claimed
            }
            MailEvent::EmailSent(_) => Stage::Sent,
            MailEvent::EmailFailed(e) if e.will_retry => Stage::Retrying,
            MailEvent::EmailFailed(_) => Stage::Failed,
            MailEvent::EmailOutcomeUnknown(_) => Stage::Unknown,
            MailEvent::EmailRetryRequested(_) => Stage::Queued,
        };
        state
    }
}

/// Sets the due time. Returns the stage in which a mail with this delivery waits.
fn waits(state: &mut MailState, delivery: MailDelivery) -> Stage {
    state.due = delivery.due();
    match delivery {
        MailDelivery::Immediate => Stage::Queued,
        MailDelivery::Held => Stage::Held,
        MailDelivery::At(_) => Stage::Scheduled,
    }
}

fn claim(state: &MailState, stage: Stage, message_id: &str) -> Result<Vec<MailEvent>, Refusal> {
    let next = || {
        SendClaimed {
            attempt: state.attempt + 1,
            message_id: message_id.to_owned(),
        }
        .into()
    };
    let on_unknown = state
        .mail
        .as_ref()
        .map_or(OnUnknown::Park, |mail| mail.on_unknown);
    match (stage, on_unknown) {
        (Stage::Queued | Stage::Retrying, _) | (Stage::Claimed, OnUnknown::Retry) => {
            Ok(vec![next()])
        }
        (Stage::Claimed, OnUnknown::Park) => Ok(vec![
            EmailOutcomeUnknown {
                attempt: state.attempt,
                detail: "the worker stopped between claiming the mail and recording its outcome"
                    .to_owned()
                    .into(),
            }
            .into(),
        ]),
        (
            Stage::Absent
            | Stage::Sent
            | Stage::Failed
            | Stage::Unknown
            | Stage::Held
            | Stage::Scheduled
            | Stage::Cancelled,
            _,
        ) => Ok(Vec::new()),
    }
}

fn abandon(attempt: u32, stage: Stage, why: &str) -> Vec<MailEvent> {
    let why = || why.to_owned().into();
    match stage {
        Stage::Queued | Stage::Retrying => {
            vec![
                EmailFailed {
                    attempt,
                    permanent: true,
                    will_retry: false,
                    answer: why(),
                }
                .into(),
            ]
        }
        Stage::Claimed => vec![
            EmailOutcomeUnknown {
                attempt,
                detail: why(),
            }
            .into(),
        ],
        Stage::Absent
        | Stage::Sent
        | Stage::Failed
        | Stage::Unknown
        | Stage::Held
        | Stage::Scheduled
        | Stage::Cancelled => Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod samples;

#[cfg(test)]
mod tests;
