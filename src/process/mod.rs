//! Process managers: events in, commands out; pure. `workers/processes.rs` carries them out.

pub mod batch;
pub mod import;
pub mod issuance;

use time::Date;

use crate::domain::email::MailDelivery;
use crate::domain::issuance::Origin;
use crate::domain::{AttendeeId, BatchId, CertificateId};

/// What a batch was to issue to one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfBatch {
    /// The batch.
    pub batch_id: BatchId,
    /// What.
    pub certificate_id: CertificateId,
    /// To whom.
    pub attendee_id: AttendeeId,
}

/// Somebody is to get a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// What.
    pub certificate_id: CertificateId,
    /// Who.
    pub attendee_id: AttendeeId,
    /// What asked for it.
    pub origin: Origin,
    /// When the mail about it may go out.
    pub delivery: MailDelivery,
    /// Date on it; absent for the definition's, or else the date of issuing.
    pub issue_date: Option<Date>,
}
