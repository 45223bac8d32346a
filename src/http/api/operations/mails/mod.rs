//! Mails that the demo stack caught instead of delivering them. Other servers answer 404.

pub mod get;
pub mod list;

use std::path::PathBuf;

use crate::http::{ApiError, HttpState};

fn folder(http: &HttpState) -> Result<PathBuf, ApiError> {
    http.caught_mails.clone().ok_or_else(|| ApiError::not_found("page"))
}
