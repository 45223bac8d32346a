//! Batches. A batch is a request to issue a certificate to many people.

pub mod events;
pub mod files;
pub mod read;
pub mod write;
