//! E-mail with one certificate. The API calls it "job".
//!
//! Its events, states and decisions are those of [`crate::domain::kernel::sending`].

use serde::{Deserialize, Serialize};

use crate::domain::kernel::domain_event::domain_events;
use crate::domain::kernel::sending::{self, Content, SendingCommand, SendingDecider, SendingState};
use crate::domain::{
    AttendeeId, BatchId, CertificateId, DataSubject, Decider, IssuanceId, Locale, MailId, Personal,
    Refusal,
};

pub use crate::domain::kernel::sending::{
    EmailCancelled, EmailFailed, EmailOutcomeUnknown, EmailReleased, EmailRescheduled,
    EmailRetryRequested, EmailSent, MailDelivery, OnUnknown, SendClaimed, Stage,
};

/// A mail was queued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailQueued {
    /// The issuance of the certificate.
    pub issuance_id: IssuanceId,
    /// Certificate of the issuance.
    pub certificate_id: CertificateId,
    /// Batch that requested the issuance, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<BatchId>,
    /// Mail about the same issuance that this one replaces, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<MailId>,
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

domain_events! {
    /// Events of an e-mail with a certificate.
    MailEvent for "mail" {
        EmailQueued, SendClaimed, EmailSent, EmailFailed, EmailOutcomeUnknown, EmailRetryRequested,
        EmailReleased, EmailRescheduled, EmailCancelled,
    }
}

/// Commands to an e-mail with a certificate.
pub type MailCommand = SendingCommand<EmailQueued>;

/// State of an e-mail with a certificate.
pub type MailState = SendingState<EmailQueued>;

impl Content for EmailQueued {
    const NOUN: &'static str = "job";
    const MAX_FAILURES: u32 = 6;
    const DELAY_FACTOR: u32 = 4;
    const IS_URGENT: bool = false;
    const IS_LISTED: bool = true;

    fn on_unknown(&self) -> OnUnknown {
        self.on_unknown
    }

    fn delivery(&self) -> MailDelivery {
        self.delivery
    }
}

/// Decider of e-mails with certificates.
pub struct Mail;

impl Decider for Mail {
    const AGGREGATE: &'static str = "mail";
    type State = MailState;
    type Command = MailCommand;
    type Event = MailEvent;

    fn decide(state: &MailState, command: &MailCommand) -> Result<Vec<MailEvent>, Refusal> {
        sending::decide(state, command)
    }

    fn data_subject(_: &str, state: &MailState, event: &MailEvent) -> Option<DataSubject> {
        let mail = match event {
            MailEvent::EmailQueued(mail) => mail,
            MailEvent::SendClaimed(_)
            | MailEvent::EmailSent(_)
            | MailEvent::EmailFailed(_)
            | MailEvent::EmailOutcomeUnknown(_)
            | MailEvent::EmailRetryRequested(_)
            | MailEvent::EmailReleased(_)
            | MailEvent::EmailRescheduled(_)
            | MailEvent::EmailCancelled(_) => state.mail.as_ref()?,
        };
        Some(DataSubject::Attendee(mail.attendee_id.0))
    }

    fn evolve(state: MailState, event: &MailEvent) -> MailState {
        match event {
            MailEvent::EmailQueued(mail) => state.queued(mail),
            MailEvent::SendClaimed(claim) => state.claimed(claim),
            MailEvent::EmailSent(_) => state.ended(Stage::Sent),
            MailEvent::EmailFailed(failure) => state.failed(failure),
            MailEvent::EmailOutcomeUnknown(unknown) => state.unknown(unknown),
            MailEvent::EmailRetryRequested(_) => state.retried(),
            MailEvent::EmailReleased(_) => state.waiting(MailDelivery::Immediate),
            MailEvent::EmailRescheduled(change) => state.waiting(change.delivery),
            MailEvent::EmailCancelled(_) => state.ended(Stage::Cancelled),
        }
    }
}

impl SendingDecider for Mail {
    type Content = EmailQueued;
}

#[cfg(test)]
pub(crate) mod samples;

#[cfg(test)]
mod tests;
