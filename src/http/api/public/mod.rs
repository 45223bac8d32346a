//! Public pages and files, without authentication: verification, downloads, documentation.

pub mod pages;
pub mod verify;
