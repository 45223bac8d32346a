//! Projections: query tables folded from the log.
//!
//! * [`definition`], [`embedded`], [`set`] — a projection as data: the SQL under `projections/`,
//!   its fingerprint, and the schema name derived from it.
//! * [`runner`] — keeps the tables up to date with the log. Rows and [`checkpoints`] change in one
//!   transaction, which fails if the old checkpoint is not as expected.
//! * [`readers`] — waiting until a position is visible, and health.
//! * [`rebuild`] — a fresh copy beside the live tables, which replaces them, is compared with them,
//!   or shows the state at an earlier time; and dropping tables that no program uses.
//! * [`queries`] — typed read queries.
//!
//! This module sees only events and SQL. It can't make decisions, send mail or render.

mod checkpoints;
mod definition;
mod embedded;
pub mod queries;
mod readers;
mod rebuild;
mod runner;
mod set;
mod source;

pub use definition::{BadHandler, Handler, Projection, RowKey};
pub use embedded::projections;
pub use readers::{ProjectionHealth, Readers, TimedOut};
pub use rebuild::cleanup::CleanUp;
pub use rebuild::into_schema::Until;
pub use rebuild::maintenance::{Maintenance, MaintenanceError};
pub use rebuild::progress::Progress;
pub use rebuild::verify::{Difference, Verified, VerifyReport};
pub use runner::apply::ApplyError;
pub use runner::presence::Presence;
pub use runner::projector::{Pace, Projector, ProjectorError};
pub use set::{BadSet, Member, ProjectionSet};
pub use source::{EventReader, LogSource, SourceError};
