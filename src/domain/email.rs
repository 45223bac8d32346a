//! E-mail: one mail about one issuance (the API's "job").
//!
//! SMTP cannot deliver exactly once. A mail is therefore claimed in the log before the server is
//! called; a claim that is found without an outcome is not blindly sent again, but follows the
//! mail's own policy.
//!
//! A mail may wait before its first try: held until somebody releases it, or scheduled for a time.

mod delivery;
mod waiting;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::events::domain_events;
use super::{Decider, IssuanceId, Locale, Personal, Refusal};

pub use delivery::MailDelivery;
use waiting::{cancel, release, reschedule};

// ── Events ──────────────────────────────────────────────────────────────────────────────────────

/// A mail is to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailQueued {
    /// The issuance it is about.
    pub issuance_id: IssuanceId,
    /// Who gets it.
    pub to_name: Personal<String>,
    /// Where it goes.
    pub to_address: Personal<String>,
    /// The language of the mail.
    pub locale: Locale,
    /// The organisation that issues.
    pub client: String,
    /// The certificate's name.
    pub certificate_name: String,
    /// What was attended or passed.
    pub event_name: String,
    /// A link shown in the mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_link: Option<String>,
    /// Where the PDF can be fetched without login.
    pub download_link: String,
    /// Where the attached bytes are stored.
    pub object_key: String,
    /// SHA-256 of the attached bytes, 64 hex digits.
    pub sha256: String,
    /// What happens when a claim is found without an outcome.
    pub on_unknown: OnUnknown,
    /// When its first try may begin.
    #[serde(default, skip_serializing_if = "MailDelivery::is_immediate")]
    pub delivery: MailDelivery,
}

/// A worker is about to hand the mail to the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendClaimed {
    /// Which try this is, from 1.
    pub attempt: u32,
    /// The mail's Message-ID (RFC 5322 §3.6.4), the same at every try.
    pub message_id: String,
}

/// The server took the mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailSent {
    /// Which try this was.
    pub attempt: u32,
    /// The server's full answer.
    pub answer: Personal<String>,
}

/// The server refused the mail, or was not there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailFailed {
    /// Which try this was.
    pub attempt: u32,
    /// Whether trying again could not help.
    pub permanent: bool,
    /// Whether another try follows by itself.
    pub will_retry: bool,
    /// The server's full answer.
    pub answer: Personal<String>,
}

/// Nobody knows whether the server took the mail; a person decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailOutcomeUnknown {
    /// Which try this was.
    pub attempt: u32,
    /// What is known.
    pub detail: Personal<String>,
}

/// A person wants a failed or unknown mail to be tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailRetryRequested {}

/// A held or scheduled mail may be sent from now on: somebody let it go, or its time has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmailReleased {}

/// A held or scheduled mail waits for something else from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailRescheduled {
    /// What it waits for; never immediate, which is a release.
    pub delivery: MailDelivery,
}

/// The mail is not to be sent, nor sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailCancelled {
    /// Why; a person may have written it.
    pub reason: Personal<String>,
}

domain_events! {
    /// What can happen to an e-mail.
    EmailEvent for "email" {
        EmailQueued, SendClaimed, EmailSent, EmailFailed, EmailOutcomeUnknown, EmailRetryRequested,
        EmailReleased, EmailRescheduled, EmailCancelled,
    }
}

/// What happens to a mail whose claim is found without an outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// It waits for a person: at most one mail, perhaps none.
    #[default]
    Park,
    /// It is sent again with the same Message-ID: at least one mail, perhaps two.
    Retry,
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────

/// What can be asked of an e-mail.
#[derive(Clone, Debug)]
pub enum EmailCommand {
    /// Send it.
    Queue(Box<EmailQueued>),
    /// Claim the next try. On a claim without an outcome the mail's policy decides.
    Claim {
        /// The Message-ID that every try carries.
        message_id: String,
    },
    /// Note that the server took it.
    RecordSent(EmailSent),
    /// Note that this try failed.
    RecordFailure(EmailFailed),
    /// Note that the outcome of this try is not known.
    RecordUnknown(EmailOutcomeUnknown),
    /// Stop trying: nobody works on it any more. One that is claimed may have been sent, and is
    /// unknown; any other has failed.
    Abandon {
        /// Why, without personal data.
        why: String,
    },
    /// Try again, from failed or unknown.
    Retry,
    /// Let a held or scheduled mail go.
    Release,
    /// Let a scheduled mail go if its time has come; anything else stays as it is.
    ReleaseDue {
        /// The time now.
        now: OffsetDateTime,
    },
    /// Let a held or scheduled mail wait for something else, or go.
    Reschedule(MailDelivery),
    /// Don't send it (again). One that a worker is at can't be called back.
    Cancel {
        /// Why.
        reason: Personal<String>,
    },
}

// ── State, decide, evolve ───────────────────────────────────────────────────────────────────────

/// Where the mail stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// No history.
    #[default]
    Absent,
    /// Waiting for its first try, or for one that a person asked for.
    Queued,
    /// A worker is at it, or died at it.
    Claimed,
    /// Waiting for another try after a temporary failure.
    Retrying,
    /// The server took it.
    Sent,
    /// Given up.
    Failed,
    /// Nobody knows; a person decides.
    Unknown,
    /// Waiting until somebody releases it.
    Held,
    /// Waiting for its time, [`EmailState::due`].
    Scheduled,
    /// Not to be sent, nor sent again.
    Cancelled,
}

/// The mail and where it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmailState {
    /// Where it stands.
    pub stage: Stage,
    /// The last try's number; 0 before the first.
    pub attempt: u32,
    /// What is to be sent.
    pub mail: Option<EmailQueued>,
    /// When it is to be sent, while it is scheduled.
    pub due: Option<OffsetDateTime>,
}

/// The decider of e-mails.
pub struct Email;

impl Decider for Email {
    const AGGREGATE: &'static str = "email";
    type State = EmailState;
    type Command = EmailCommand;
    type Event = EmailEvent;

    fn decide(state: &EmailState, command: &EmailCommand) -> Result<Vec<EmailEvent>, Refusal> {
        match (command, state.stage) {
            (EmailCommand::Queue(mail), Stage::Absent) => Ok(vec![EmailEvent::from((**mail).clone())]),
            (EmailCommand::Queue(_), _) => Ok(Vec::new()),
            (_, Stage::Absent) => Err(Refusal::NotFound("job")),
            (EmailCommand::Claim { message_id }, stage) => claim(state, stage, message_id),
            (EmailCommand::RecordSent(e), Stage::Claimed) if e.attempt == state.attempt => {
                Ok(vec![e.clone().into()])
            }
            (EmailCommand::RecordFailure(e), Stage::Claimed) if e.attempt == state.attempt => {
                Ok(vec![e.clone().into()])
            }
            (EmailCommand::RecordUnknown(e), Stage::Claimed) if e.attempt == state.attempt => {
                Ok(vec![e.clone().into()])
            }
            (
                EmailCommand::RecordSent(_) | EmailCommand::RecordFailure(_) | EmailCommand::RecordUnknown(_),
                _,
            ) => Err(Refusal::WrongState("this outcome belongs to a try that is over".to_owned())),
            (EmailCommand::Abandon { why }, stage) => Ok(abandon(state.attempt, stage, why)),
            (EmailCommand::Retry, Stage::Failed | Stage::Unknown) => Ok(vec![EmailRetryRequested {}.into()]),
            (EmailCommand::Retry, _) => Err(Refusal::WrongState(
                "only a job in error or with an unknown outcome can be retried".to_owned(),
            )),
            (EmailCommand::Release, stage) => release(stage),
            (EmailCommand::ReleaseDue { now }, Stage::Scheduled)
                if state.due.is_some_and(|due| due <= *now) =>
            {
                Ok(vec![EmailReleased {}.into()])
            }
            (EmailCommand::ReleaseDue { .. }, _) => Ok(Vec::new()),
            (EmailCommand::Reschedule(delivery), stage) => reschedule(state, stage, *delivery),
            (EmailCommand::Cancel { reason }, stage) => cancel(stage, reason),
        }
    }

    fn evolve(mut state: EmailState, event: &EmailEvent) -> EmailState {
        state.stage = match event {
            EmailEvent::EmailQueued(mail) => {
                state.mail = Some(mail.clone());
                waits(&mut state, mail.delivery)
            }
            EmailEvent::EmailRescheduled(e) => waits(&mut state, e.delivery),
            EmailEvent::EmailReleased(_) => waits(&mut state, MailDelivery::Immediate),
            EmailEvent::EmailCancelled(_) => {
                state.due = None;
                Stage::Cancelled
            }
            EmailEvent::SendClaimed(e) => {
                state.attempt = e.attempt;
                Stage::Claimed
            }
            EmailEvent::EmailSent(_) => Stage::Sent,
            EmailEvent::EmailFailed(e) if e.will_retry => Stage::Retrying,
            EmailEvent::EmailFailed(_) => Stage::Failed,
            EmailEvent::EmailOutcomeUnknown(_) => Stage::Unknown,
            EmailEvent::EmailRetryRequested(_) => Stage::Queued,
        };
        state
    }
}

/// The stage in which a mail of this delivery waits for its first try.
fn waits(state: &mut EmailState, delivery: MailDelivery) -> Stage {
    state.due = delivery.due();
    match delivery {
        MailDelivery::Immediate => Stage::Queued,
        MailDelivery::Held => Stage::Held,
        MailDelivery::At(_) => Stage::Scheduled,
    }
}

fn claim(state: &EmailState, stage: Stage, message_id: &str) -> Result<Vec<EmailEvent>, Refusal> {
    let next = || SendClaimed { attempt: state.attempt + 1, message_id: message_id.to_owned() }.into();
    let on_unknown = state.mail.as_ref().map_or(OnUnknown::Park, |mail| mail.on_unknown);
    match (stage, on_unknown) {
        (Stage::Queued | Stage::Retrying, _) | (Stage::Claimed, OnUnknown::Retry) => Ok(vec![next()]),
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

fn abandon(attempt: u32, stage: Stage, why: &str) -> Vec<EmailEvent> {
    let why = || why.to_owned().into();
    match stage {
        Stage::Queued | Stage::Retrying => {
            vec![EmailFailed { attempt, permanent: true, will_retry: false, answer: why() }.into()]
        }
        Stage::Claimed => vec![EmailOutcomeUnknown { attempt, detail: why() }.into()],
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
