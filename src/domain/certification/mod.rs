//! Certification: people, their certificates, the issued PDFs and the mails with them.

pub mod attendee;
pub mod batch;
pub mod certificate;
pub mod design;
pub mod file_name;
pub mod ids;
pub mod import;
pub mod issuance;
pub mod issue_date;
pub mod mail;
pub mod manifest;
pub mod origin;
pub mod person;
pub mod public_id;
pub mod reactions;
pub mod reading;
pub mod template;
