//! Copies of the query tables, filled from the log: to replace the live tables, to compare with
//! them, or to show the state at an earlier time.

pub(super) mod cleanup;
mod copy;
mod copy_schema;
pub(super) mod into_schema;
pub(super) mod maintenance;
pub(super) mod progress;
mod replace;
pub(super) mod verify;
mod verify_rows;
