//! Mails that a demo stack has caught instead of delivering. Not there on a real server.

pub mod get;
pub mod list;

use std::path::PathBuf;

use super::super::{ApiError, HttpState};

fn folder(http: &HttpState) -> Result<PathBuf, ApiError> {
    http.caught_mails.clone().ok_or_else(|| ApiError::not_found("page"))
}
