//! Accounts: users of the API, their credentials and sessions, and mails about their accounts.

pub mod admins;
pub mod api_key;
pub mod ids;
pub mod notice;
pub mod password;
pub mod second_factor;
pub mod session;
pub mod user;
