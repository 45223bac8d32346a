//! What handlers take out of a request: each refuses bad input with an error that names it.

mod headers;
mod json;
mod listing;
mod merge;
mod naming;
mod page;
mod path;
mod query;
pub mod upload;

pub use headers::{IdempotencyKey, IfMatch};
pub use json::Json;
pub use listing::{Direction, Listing, Sorting, filter_text};
pub use merge::Merge;
pub use page::{ListQuery, Paging};
pub use path::Path;
pub use query::Query;
