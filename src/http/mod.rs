//! HTTP: the API under `/api/v1`, the public pages, health, and metrics on a separate listener.
//!
//! * [`mod@router`] — route table. A new endpoint is one file under [`endpoints`] and one line there.
//! * [`assemble`] — axum router, built from the table; [`layers`] — layers around every request.
//! * [`answer`], [`api_error`], [`error_code`], [`error_mapping`] — envelope, and mapping of internal errors to
//!   API errors.
//! * [`extract`] — extractors of handlers; [`idempotency`] — single execution of repeated requests.
//! * [`mod@openapi`] — OpenAPI document, generated from the table and the endpoints' annotations.
//!
//! Writes run commands and respond with their outcome. Reads come from projections. Nothing here renders or sends
//! mails; the workers' renderer draws samples.

pub mod access;
pub mod answer;
pub mod api_error;
pub mod api_key_token;
pub mod assemble;
pub mod auth_settings;
pub mod caller;
pub mod client_address;
pub mod connections;
pub mod cursor;
pub mod deleting;
pub mod endpoint;
pub mod endpoints;
pub mod error_code;
pub mod error_mapping;
pub mod export;
pub mod extract;
pub mod held;
pub mod idempotency;
pub mod intake;
pub mod last_use;
pub mod layers;
pub mod management;
pub mod openapi;
pub mod passwords;
mod pieces;
pub mod principal;
pub mod progress_stream;
pub mod rate_limit;
pub mod readiness;
pub mod router;
mod sealed;
pub mod second_factor;
pub mod serve;
pub mod settings;
pub mod shares;
mod stalling;
pub mod standing;
pub mod state;
pub mod tokens;
pub mod waiting;

pub use answer::Answer;
pub use api_error::ApiError;
pub use assemble::{router, router_with};
pub use caller::Caller;
pub use error_code::ErrorCode;
pub use openapi::{openapi_document, openapi_json};
pub use passwords::Passwords;
pub use readiness::{Dependency, Readiness};
pub use serve::serve;
pub use settings::HttpSettings;
pub use state::{HttpParts, HttpState};
pub use tokens::Tokens;
