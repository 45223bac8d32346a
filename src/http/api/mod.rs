//! Endpoints of the API, by context. Each kind of resource has a folder with its requests,
//! responses, handlers and OpenAPI annotations.

pub mod accounts;
pub mod certification;
pub mod operations;
pub mod public;
