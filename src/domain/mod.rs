//! Pure core of the program: one file per aggregate, read from top to bottom as events, commands, state, decide,
//! evolve, tests.
//!
//! Nothing here reads a clock, draws a random number or does I/O. Callers pass in what is needed.

pub mod admins;
pub mod api_key;
pub mod attendee;
pub mod batch;
pub mod certificate;
pub mod claim;
pub mod decider;
pub mod design;
pub mod email;
pub mod event;
pub mod events;
pub mod hex;
#[cfg(test)]
pub(crate) mod history;
pub mod ids;
pub mod import;
pub mod issuance;
pub mod issue_date;
pub mod keyed_hash;
pub mod locale;
pub mod manifest;
pub mod notice;
pub mod password;
pub mod person;
pub mod personal;
pub mod public_id;
pub mod reading;
pub mod refusal;
pub mod second_factor;
pub mod secret;
pub mod session;
pub mod template;
pub mod user;

pub use decider::Decider;
pub use event::Event;
pub use events::{DecodeError, DomainEvent};
pub use hex::hex;
pub use ids::{
    ApiKeyId, AttendeeId, BatchId, CertificateId, CommandId, DesignId, EmailId, ImportId, IssuanceId,
    NoticeId, SessionId, TemplateId, UserId,
};
pub use issue_date::TimeZone;
pub use locale::Locale;
pub use person::text::{clean as clean_line, trimmed};
pub use person::{FieldError, Person, PersonEntry, RawPerson, SharedEmail};
pub use personal::Personal;
pub use public_id::PublicId;
pub use refusal::{InvalidField, Refusal};
pub use secret::Secret;
