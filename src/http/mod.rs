//! HTTP: the API under `/api/v1`, the public pages, health, and metrics on a separate listener.
//!
//! * [`mod@router`] — route table. A new endpoint is a handler in [`api`] and a line there.
//! * [`api`] — the endpoints, by context.
//! * [`protocol`] — extractors, answers, errors, idempotency, exports, the OpenAPI document.
//! * [`auth`] — passwords, tokens, permissions, rate limits.
//! * [`server`] — connections, and the layers around every request.
//!
//! Writes run commands and respond with their outcome. Reads come from projections. Nothing here
//! renders or sends mails; [`crate::rendering`] draws samples.

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
