//! Authentication and authorization: passwords, tokens, second factors, API keys, permissions, rate
//! limits.

pub mod access;
pub mod api_key_token;
pub mod auth_settings;
pub mod authorizations;
pub mod caller;
pub mod last_use;
pub mod passwords;
pub mod principal;
pub mod rate_limit;
pub(in crate::http) mod sealed;
pub mod second_factor;
pub mod stream_tickets;
pub mod tokens;
