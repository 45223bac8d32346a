//! Process managers: functions from events to commands. They are pure; `src/workers/processes.rs`
//! executes the commands.

pub mod batch;
pub mod import;
pub mod issuance;

use time::Date;

use crate::domain::certification::mail::MailDelivery;
use crate::domain::certification::origin::Origin;
use crate::domain::{AttendeeId, BatchId, CertificateId};

/// Issuance that a batch may have created for one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfBatch {
    /// Batch.
    pub batch_id: BatchId,
    /// Certificate.
    pub certificate_id: CertificateId,
    /// Person.
    pub attendee_id: AttendeeId,
}

/// Request to issue a certificate to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Certificate.
    pub certificate_id: CertificateId,
    /// Person.
    pub attendee_id: AttendeeId,
    /// Origins of the request, such as a batch and its import.
    pub origins: Vec<Origin>,
    /// Time at which the mail with the certificate may be sent.
    pub delivery: MailDelivery,
    /// Date on the certificate. If absent, the date of the definition. If that is also absent, the
    /// date of issue.
    pub issue_date: Option<Date>,
}
