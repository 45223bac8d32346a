//! Process managers: events in, commands out. Pure; `workers/processes.rs` executes the commands.

pub mod batch;
pub mod import;
pub mod issuance;

use time::Date;

use crate::domain::certification::issuance::Origin;
use crate::domain::certification::mail::MailDelivery;
use crate::domain::{AttendeeId, BatchId, CertificateId};

/// Issuance of a batch for one person.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Certificate.
    pub certificate_id: CertificateId,
    /// Person.
    pub attendee_id: AttendeeId,
    /// Batch and import that requested it.
    pub origin: Origin,
    /// Time at which the mail about it may be sent.
    pub delivery: MailDelivery,
    /// Date on the certificate. If absent, the definition's date, or otherwise the date of issuing.
    pub issue_date: Option<Date>,
}
