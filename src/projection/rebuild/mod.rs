//! Copies of the query tables, filled from the log: to replace the live tables, to compare with
//! them, or to show the state at an earlier time.
//!
//! A rebuild ([`replace`], [`copy`]) fills the copies of several projections at once, beside the
//! live tables. Each copy has one transaction per batch, which also updates the note of its
//! position; the next batch is read meanwhile. While they are filled, the tables are unlogged and
//! have spare room for updates. Then they are compacted, logged and indexed, catch up with the log,
//! and are swapped in in one transaction. A killed rebuild resumes from the note ([`copy_schema`]).
//! A crash of PostgreSQL empties the note and the rows, and the rebuild starts from the beginning.
//! With `--until` and `--into` ([`into_schema`]), the copy keeps a separate name.
//!
//! [`verify`] fills a copy, compares its digests with those of the live tables, reports the first
//! row, columns and positions that differ ([`verify_rows`]), and drops the copy.
//!
//! A build holds at most four batches of 10,000 events or 16 MiB of bodies each, and the arrays made
//! from one of them.

pub(super) mod cleanup;
mod copy;
mod copy_schema;
pub(super) mod into_schema;
pub(super) mod maintenance;
pub(super) mod progress;
mod replace;
pub(super) mod verify;
mod verify_rows;
