//! Endpoints of the API by context: a folder per noun, with the requests, answers, handlers and
//! OpenAPI annotations.

pub mod accounts;
pub mod certification;
pub mod operations;
pub mod public;
