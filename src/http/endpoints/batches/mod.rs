//! Batches: one request to issue a certificate for many people each.

pub mod get;
