//! E-mail: one mail about one issuance (the API's "job").
//!
//! SMTP cannot deliver exactly once. A mail is therefore claimed in the log before the server is
//! called; a claim that is found without an outcome is not blindly sent again, but follows the
//! mail's own policy.

use serde::{Deserialize, Serialize};

use super::events::domain_events;
use super::{Decider, IssuanceId, Locale, Personal, Refusal};

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

domain_events! {
    /// What can happen to an e-mail.
    EmailEvent for "email" {
        EmailQueued, SendClaimed, EmailSent, EmailFailed, EmailOutcomeUnknown, EmailRetryRequested,
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
        }
    }

    fn evolve(mut state: EmailState, event: &EmailEvent) -> EmailState {
        state.stage = match event {
            EmailEvent::EmailQueued(mail) => {
                state.mail = Some(mail.clone());
                Stage::Queued
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
        (Stage::Absent | Stage::Sent | Stage::Failed | Stage::Unknown, _) => Ok(Vec::new()),
    }
}

fn abandon(attempt: u32, stage: Stage, why: &str) -> Vec<EmailEvent> {
    let why = || why.to_owned().into();
    match stage {
        Stage::Queued | Stage::Retrying => {
            vec![EmailFailed { attempt, permanent: true, will_retry: false, answer: why() }.into()]
        }
        Stage::Claimed => vec![EmailOutcomeUnknown { attempt, detail: why() }.into()],
        Stage::Absent | Stage::Sent | Stage::Failed | Stage::Unknown => Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use uuid::Uuid;

    use super::*;

    pub(crate) fn queued(on_unknown: OnUnknown) -> EmailQueued {
        EmailQueued {
            issuance_id: Uuid::from_u128(3).into(),
            to_name: "Ada".to_owned().into(),
            to_address: "ada@example.com".to_owned().into(),
            locale: Locale::En,
            client: "Acme".to_owned(),
            certificate_name: "Speaker".to_owned(),
            event_name: "Summit 2026".to_owned(),
            event_link: None,
            download_link: "https://certificates.example.com/certificate/00/download".to_owned(),
            object_key: "certificates/a.pdf".to_owned(),
            sha256: "aa".to_owned(),
            on_unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::queued;
    use super::*;
    use crate::domain::decider::spec::given;

    fn claimed(attempt: u32) -> EmailEvent {
        SendClaimed { attempt, message_id: "<1@example.com>".to_owned() }.into()
    }

    fn claim_it() -> EmailCommand {
        EmailCommand::Claim { message_id: "<1@example.com>".to_owned() }
    }

    fn sent(attempt: u32) -> EmailSent {
        EmailSent { attempt, answer: "250 ok".to_owned().into() }
    }

    fn failed(attempt: u32, will_retry: bool) -> EmailFailed {
        EmailFailed { attempt, permanent: !will_retry, will_retry, answer: "451 later".to_owned().into() }
    }

    fn mail(on_unknown: OnUnknown) -> EmailEvent {
        queued(on_unknown).into()
    }

    #[test]
    fn a_mail_is_queued_once() {
        let command = EmailCommand::Queue(Box::new(queued(OnUnknown::Park)));
        given::<Email>(vec![]).when(command.clone()).then(vec![mail(OnUnknown::Park)]);
        given::<Email>(vec![mail(OnUnknown::Park)]).when(command).then_nothing();
    }

    #[test]
    fn it_is_claimed_before_it_is_sent() {
        given::<Email>(vec![mail(OnUnknown::Park)]).when(claim_it()).then(vec![claimed(1)]);
        given::<Email>(vec![mail(OnUnknown::Park), claimed(1)])
            .when(EmailCommand::RecordSent(sent(1)))
            .then(vec![sent(1).into()]);
    }

    #[test]
    fn a_claim_without_an_outcome_is_parked_by_default() {
        let detail =
            "the worker stopped between claiming the mail and recording its outcome".to_owned().into();
        given::<Email>(vec![mail(OnUnknown::Park), claimed(1)])
            .when(claim_it())
            .then(vec![EmailOutcomeUnknown { attempt: 1, detail }.into()]);
    }

    #[test]
    fn a_claim_without_an_outcome_is_tried_again_where_the_mail_says_so() {
        given::<Email>(vec![mail(OnUnknown::Retry), claimed(1)]).when(claim_it()).then(vec![claimed(2)]);
    }

    #[test]
    fn a_temporary_failure_is_tried_again_and_a_final_one_is_not() {
        given::<Email>(vec![mail(OnUnknown::Park), claimed(1), failed(1, true).into()])
            .when(claim_it())
            .then(vec![claimed(2)]);
        given::<Email>(vec![mail(OnUnknown::Park), claimed(1), failed(1, false).into()])
            .when(claim_it())
            .then_nothing();
    }

    #[test]
    fn a_person_retries_only_what_failed_or_is_unknown() {
        let retry: EmailEvent = EmailRetryRequested {}.into();
        given::<Email>(vec![mail(OnUnknown::Park), claimed(1), failed(1, false).into()])
            .when(EmailCommand::Retry)
            .then(vec![retry.clone()]);
        given::<Email>(vec![mail(OnUnknown::Park), claimed(1), sent(1).into()])
            .when(EmailCommand::Retry)
            .then_refused("WRONG_STATE");
        given::<Email>(vec![mail(OnUnknown::Park), claimed(1), failed(1, false).into(), retry])
            .when(claim_it())
            .then(vec![claimed(2)]);
    }

    #[test]
    fn what_is_abandoned_has_failed_unless_it_may_have_been_sent() {
        let abandon = || EmailCommand::Abandon { why: "why".to_owned() };
        let answer = || "why".to_owned().into();
        given::<Email>(vec![mail(OnUnknown::Park)]).when(abandon()).then(vec![
            EmailFailed { attempt: 0, permanent: true, will_retry: false, answer: answer() }.into(),
        ]);
        given::<Email>(vec![mail(OnUnknown::Park), claimed(1)])
            .when(abandon())
            .then(vec![EmailOutcomeUnknown { attempt: 1, detail: answer() }.into()]);
        given::<Email>(vec![mail(OnUnknown::Park), claimed(1), sent(1).into()])
            .when(abandon())
            .then_nothing();
    }

    #[test]
    fn an_outcome_of_another_try_is_refused() {
        given::<Email>(vec![mail(OnUnknown::Retry), claimed(1), claimed(2)])
            .when(EmailCommand::RecordSent(sent(1)))
            .then_refused("WRONG_STATE");
    }
}
