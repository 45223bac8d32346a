//! Pure core of the program. Each context has a folder with one file per aggregate, in the order
//! events, commands, state, decide, evolve, tests.
//!
//! * [`kernel`] — deciders, ids, personal data, claims and refusals. Every context uses it.
//! * [`certification`] — people, certificates, imports, issuances and mails, with their
//!   [reactions].
//! * [`accounts`] — users, sessions, second factors and API keys.
//! * [`event`] — the list of all events of all contexts; [`flow`] — the worker that handles each event.
//!
//! Code in this module never reads a clock, draws a random number or does I/O. Callers pass in the
//! required values.
//!
//! [reactions]: certification::reactions

pub mod accounts;
pub mod certification;
pub mod event;
pub mod flow;
#[cfg(test)]
pub(crate) mod history;
pub mod kernel;

pub use accounts::ids::{ApiKeyId, NoticeId, SessionId, UserId};
pub use certification::ids::{
    AttendeeId, BatchId, CertificateId, DesignId, ImportId, IssuanceId, MailId, TemplateId,
};
pub use certification::issue_date::TimeZone;
pub use certification::person::text::{clean as clean_line, trimmed};
pub use certification::person::{Person, PersonEntry, RawPerson, SharedEmail};
pub use certification::public_id::PublicId;
pub use event::{Event, Recognition};
pub use kernel::data_subject::DataSubject;
pub use kernel::decider::Decider;
pub use kernel::domain_event::{DecodeError, DomainEvent};
pub use kernel::ids::CommandId;
pub use kernel::locale::Locale;
pub use kernel::personal::Personal;
pub use kernel::refusal::{FieldError, Refusal};
pub use kernel::secret::Secret;
pub use kernel::web_url::web_url;
