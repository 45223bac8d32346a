//! Endpoints about users, their sessions and their API keys.

pub mod api_keys;
pub mod auth;
pub mod users;
