//! Extractors of handlers. Each rejects invalid input with an error that names it.

mod digits;
mod headers;
mod json;
mod listing;
mod merge;
mod naming;
mod path;
mod query;
pub mod upload;

pub use digits::Digits;
pub use headers::{IdempotencyKey, IfMatch};
pub use json::{Json, JsonList};
pub use listing::{Direction, ListQuery, Listing, Sorting, Unsorted, filter_text};
pub use merge::{Merge, not_null};
pub use naming::{Element, Unreadable};
pub use path::Path;
pub use query::Query;
