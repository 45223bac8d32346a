//! Identifiers: typed UUIDs, and the rules by which repeated work gets the same id again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Namespace of all name-based ids of Laureate (RFC 9562 §5.5), generated once at random.
const LAUREATE: Uuid = Uuid::from_u128(0x6f2d_41c8_95b7_4a0e_9d53_27e1_0c8b_f4a6);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// Id of an attendee: a person who receives certificates.
    AttendeeId,
    /// Id of a certificate definition.
    CertificateId,
    /// Id of an uploaded design image.
    DesignId,
    /// Id of an issuance: one person's certificate.
    IssuanceId,
    /// Id of a batch: one request to issue a certificate to many people.
    BatchId,
    /// Id of an e-mail about one issuance; the API's "job".
    MailId,
    /// Id of an import: one uploaded file of people.
    ImportId,
    /// Id of a user: a person who may log in.
    UserId,
    /// Id of a certificate template that an issuer wrote.
    TemplateId,
    /// Id of a session: one login and its chain of refresh tokens.
    SessionId,
    /// Id of a notice: a mail to a user about the user's own account.
    NoticeId,
    /// Id of an API key.
    ApiKeyId,
    /// Id of a command; its idempotency key.
    CommandId,
}

impl CommandId {
    /// Returns the id of the `n`th command that `process` derives from an event. A redelivery
    /// yields the same id, so the command finds the events that it appended before.
    #[must_use]
    pub fn of_process(event_id: Uuid, process: &str, n: usize) -> Self {
        Self(named(&[
            "command",
            &event_id.to_string(),
            process,
            &n.to_string(),
        ]))
    }

    /// Returns the id of the event that this command appends at `index` to one aggregate.
    #[must_use]
    pub fn event_id(self, aggregate: &str, id: &str, index: usize) -> Uuid {
        named(&[
            "event",
            &self.0.to_string(),
            aggregate,
            id,
            &index.to_string(),
        ])
    }
}

impl IssuanceId {
    /// Returns the id of a person's first issuance of a certificate. A repeated request yields the
    /// same id, so nobody gets the certificate twice.
    #[must_use]
    pub fn first_of(certificate: CertificateId, attendee: AttendeeId) -> Self {
        Self::nth_of(certificate, attendee, 1)
    }

    /// Returns the id of the `n`th issuance, from 1. It follows when all earlier ones were revoked
    /// or could not be drawn.
    #[must_use]
    pub fn nth_of(certificate: CertificateId, attendee: AttendeeId, n: u32) -> Self {
        Self(named(&[
            "issuance",
            &certificate.to_string(),
            &attendee.to_string(),
            &n.to_string(),
        ]))
    }
}

impl BatchId {
    /// Returns the id of the `n`th batch, from 1, of `people` people that an import requests for a
    /// certificate. A worker that has read further than its predecessor requests a larger batch,
    /// which gets another id.
    #[must_use]
    pub fn of_import(import: ImportId, certificate: CertificateId, n: u32, people: usize) -> Self {
        let import = import.to_string();
        let certificate = certificate.to_string();
        Self(named(&[
            "batch",
            &import,
            &certificate,
            &n.to_string(),
            &people.to_string(),
        ]))
    }
}

impl MailId {
    /// Returns the id of the mail that is sent when the certificate is generated.
    #[must_use]
    pub fn first_of(issuance: IssuanceId) -> Self {
        Self::nth_of(issuance, 1)
    }

    /// Returns the id of an issuance's `n`th mail, from 1. A person requests every mail after the
    /// first.
    #[must_use]
    pub fn nth_of(issuance: IssuanceId, n: u32) -> Self {
        Self(named(&["email", &issuance.to_string(), &n.to_string()]))
    }
}

impl AttendeeId {
    /// Returns the id of the person that a row of an import creates.
    #[must_use]
    pub fn of_row(import: ImportId, row: u32) -> Self {
        Self(named(&["attendee", &import.to_string(), &row.to_string()]))
    }
}

/// Returns the UUIDv5 of the parts, joined by U+001F, which no part contains.
fn named(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&LAUREATE, parts.join("\u{1f}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_derived_deterministically_from_the_work() {
        let event = Uuid::from_u128(1);
        assert_eq!(
            CommandId::of_process(event, "mail", 0),
            CommandId::of_process(event, "mail", 0)
        );
        assert_ne!(
            CommandId::of_process(event, "mail", 0),
            CommandId::of_process(event, "mail", 1)
        );
        assert_ne!(
            CommandId::of_process(event, "mail", 0),
            CommandId::of_process(event, "issue", 0)
        );
        let nth = |n| IssuanceId::nth_of(event.into(), event.into(), n);
        assert_eq!(nth(1), IssuanceId::first_of(event.into(), event.into()));
        assert_ne!(nth(1), nth(2));
    }
}
