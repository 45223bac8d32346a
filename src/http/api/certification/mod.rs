//! Endpoints about people, certificates, issuing, and mails.

pub mod attendees;
pub mod batches;
pub mod certificates;
pub mod delivery;
pub mod generated_certificates;
pub mod imports;
pub mod issuing;
pub mod jobs;
pub mod own_templates;
mod template_checks;
pub mod templates;
pub mod what_if;
