//! HTTP: the API under `/api/v1`, the public pages, health checks, and metrics on a separate
//! listener.
//!
//! * [`mod@router`] — route table. To add an endpoint, write a handler in [`api`] and add a line to
//!   the table.
//! * [`api`] — endpoints, by context.
//! * [`protocol`] — extractors, responses, errors, idempotency, exports, and the OpenAPI document.
//! * [`auth`] — passwords, tokens, permissions, and rate limits.
//! * [`server`] — connections, and the layers around every request.
//!
//! Writes execute commands, and respond with their outcome. Reads use the query tables. This module
//! does not render or send mails. [`crate::rendering`] draws samples.

pub mod api;
pub mod auth;
pub mod protocol;
pub mod router;
pub mod server;
pub mod settings;
pub mod state;

pub use auth::caller::Caller;
pub use auth::passwords::Passwords;
pub use auth::tokens::Tokens;
pub use protocol::answer::Answer;
pub use protocol::api_error::ApiError;
pub use protocol::error_code::ErrorCode;
pub use protocol::openapi::{openapi_document, openapi_json};
pub use server::assemble::{router, router_with};
pub use server::readiness::{Dependency, Readiness};
pub use server::serve::serve;
pub use settings::HttpSettings;
pub use state::{HttpParts, HttpState};
