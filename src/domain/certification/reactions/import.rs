//! Import → attendees → batches.

mod batches;
mod mismatch;
mod row;
mod seen;

pub use batches::{DueBatch, DueBatches};
pub use mismatch::{Mismatch, Who};
pub use row::{Known, Matches, RowPlan, RowRules, plan_by_claims, plan_row};
pub use seen::{Contradiction, Noted, Seen};
