//! Endpoints for operators: health, and caught mails of the demo.

pub mod health;
pub mod mails;
