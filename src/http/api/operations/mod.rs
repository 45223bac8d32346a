//! Endpoints for operators: health checks, and caught mails of the demo.

pub mod health;
pub mod mails;
