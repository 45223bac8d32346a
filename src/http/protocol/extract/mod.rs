//! Extractors of handlers. If an input is invalid, the error names the input.

mod digits;
mod given;
mod headers;
mod json;
mod listing;
mod merge;
mod naming;
mod path;
mod query;
pub mod upload;

pub use digits::Digits;
pub use given::Given;
pub use headers::{IdempotencyKey, IfMatch};
pub use json::{Json, JsonList};
pub use listing::{DEFAULT_LIMIT, ExportQuery, FilterBody, ListQuery, MAX_LIMIT, limit};
pub use merge::{Merge, not_null};
pub use naming::{Element, Unreadable};
pub use path::Path;
pub use query::Query;
