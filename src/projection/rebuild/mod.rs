//! Fresh copies of the query tables: to replace them, to compare them, or to show an earlier time.

pub(super) mod cleanup;
mod copy;
mod copy_schema;
pub(super) mod into_schema;
pub(super) mod maintenance;
pub(super) mod progress;
mod replace;
pub(super) mod verify;
mod verify_rows;
