//! Accounts: users of the API, and everything with which they prove their identity.

pub mod admins;
pub mod api_key;
pub mod ids;
pub mod notice;
pub mod password;
pub mod second_factor;
pub mod session;
pub mod user;
