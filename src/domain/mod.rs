//! Pure core of the program: a folder per context, with one file per aggregate, read from top to
//! bottom as events, commands, state, decide, evolve, tests.
//!
//! * [`kernel`] — deciders, ids, personal data, claims and refusals, which every context uses.
//! * [`certification`] — people, certificates, imports, issuances and mails, with their
//!   [reactions].
//! * [`accounts`] — users, sessions, second factors and API keys.
//! * [`event`] — the list of all events of all contexts.
//!
//! Nothing here reads a clock, draws a random number or does I/O. Callers pass in what is needed.
//!
//! [reactions]: certification::reactions

pub mod accounts;
pub mod certification;
pub mod event;
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
pub use event::Event;
pub use kernel::decider::Decider;
pub use kernel::domain_event::{DecodeError, DomainEvent};
pub use kernel::ids::CommandId;
pub use kernel::locale::Locale;
pub use kernel::personal::Personal;
pub use kernel::refusal::{FieldError, Refusal};
pub use kernel::secret::Secret;
pub use kernel::web_url::web_url;
