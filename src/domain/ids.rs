//! Identifiers: UUIDs with a type, and the rules that make the same work get the same id again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Namespace of all name-based ids of Laureate (RFC 9562 §5.5), drawn once at random.
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
    /// A person certificates go to.
    AttendeeId,
    /// A certificate: what people earn (the definition).
    CertificateId,
    /// An uploaded image that certificates are drawn on.
    DesignId,
    /// One person's certificate.
    IssuanceId,
    /// One request to issue for many people.
    BatchId,
    /// One e-mail about one issuance; the API's "job".
    EmailId,
    /// One uploaded file of people.
    ImportId,
    /// A person who administers.
    UserId,
    /// A certificate's look that an issuer wrote.
    TemplateId,
    /// One log-in and its chain of refresh tokens.
    SessionId,
    /// A mail to a user about the own account.
    NoticeId,
    /// What a program logs in with.
    ApiKeyId,
    /// An intention; the key of its idempotency.
    CommandId,
}

impl CommandId {
    /// The id of the `n`th command that `process` makes of one event: redelivery finds its own work.
    #[must_use]
    pub fn of_process(event_id: Uuid, process: &str, n: usize) -> Self {
        Self(named(&["command", &event_id.to_string(), process, &n.to_string()]))
    }

    /// The id of the event that this command put at `index` of one aggregate.
    #[must_use]
    pub fn event_id(self, aggregate: &str, id: &str, index: usize) -> Uuid {
        named(&["event", &self.0.to_string(), aggregate, id, &index.to_string()])
    }
}

impl IssuanceId {
    /// A person holds a certificate once: issuing it again finds the same issuance.
    #[must_use]
    pub fn first_of(certificate: CertificateId, attendee: AttendeeId) -> Self {
        Self::nth_of(certificate, attendee, 1)
    }

    /// The `n`th, from 1: the one that follows when all before it were revoked or could not be drawn.
    #[must_use]
    pub fn nth_of(certificate: CertificateId, attendee: AttendeeId, n: u32) -> Self {
        Self(named(&["issuance", &certificate.to_string(), &attendee.to_string(), &n.to_string()]))
    }
}

impl BatchId {
    /// The `n`th batch, from 1, of `people` people that an import makes for a certificate. A worker that reads
    /// further than the one before it makes a larger batch, with another id.
    #[must_use]
    pub fn of_import(import: ImportId, certificate: CertificateId, n: u32, people: usize) -> Self {
        let (import, certificate) = (import.to_string(), certificate.to_string());
        Self(named(&["batch", &import, &certificate, &n.to_string(), &people.to_string()]))
    }
}

impl EmailId {
    /// The mail that generation itself causes.
    #[must_use]
    pub fn first_of(issuance: IssuanceId) -> Self {
        Self::nth_of(issuance, 1)
    }

    /// An issuance's mails are numbered from 1; those after the first were asked for by a person.
    #[must_use]
    pub fn nth_of(issuance: IssuanceId, n: u32) -> Self {
        Self(named(&["email", &issuance.to_string(), &n.to_string()]))
    }
}

impl AttendeeId {
    /// The person that one row of an import creates.
    #[must_use]
    pub fn of_row(import: ImportId, row: u32) -> Self {
        Self(named(&["attendee", &import.to_string(), &row.to_string()]))
    }
}

/// UUIDv5 of parts, joined by a character that no part contains.
fn named(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&LAUREATE, parts.join("\u{1f}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_work_gets_the_same_id_and_other_work_another() {
        let event = Uuid::from_u128(1);
        assert_eq!(CommandId::of_process(event, "mail", 0), CommandId::of_process(event, "mail", 0));
        assert_ne!(CommandId::of_process(event, "mail", 0), CommandId::of_process(event, "mail", 1));
        assert_ne!(CommandId::of_process(event, "mail", 0), CommandId::of_process(event, "issue", 0));
        let nth = |n| IssuanceId::nth_of(event.into(), event.into(), n);
        assert_eq!(nth(1), IssuanceId::first_of(event.into(), event.into()));
        assert_ne!(nth(1), nth(2));
    }
}
