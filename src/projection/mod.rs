//! Projections: query tables folded from the log.
//!
//! * [`definition`], [`embedded`], [`set`] — a projection as data: the SQL under `projections/`, its
//!   fingerprint, and the schema name derived from it.
//! * [`projector`] — keeps the tables up to date with the log. A batch of events is cut into [`waves`].
//!   Rows and [`checkpoints`] change in one transaction, which fails if the old checkpoint is not as
//!   expected.
//! * [`readers`] — waiting until a position is visible, and health.
//! * [`rebuild`], [`rebuild_into`], [`verify`], [`cleanup`] — a fresh copy beside the live tables, which
//!   replaces them, is compared with them, or shows the state at an earlier time; and dropping tables that
//!   no program uses.
//! * [`queries`] — typed read queries.
//!
//! This module sees only events and SQL. It can't make decisions, send mail or render.

mod apply;
mod checkpoints;
mod cleanup;
mod copy;
mod copy_schema;
mod definition;
mod embedded;
mod going_live;
mod maintenance;
mod presence;
mod progress;
mod projector;
pub mod queries;
mod read_ahead;
mod readers;
mod rebuild;
mod rebuild_into;
mod set;
mod source;
mod track;
mod verify;
mod verify_rows;
mod waves;
mod worker;

pub use apply::ApplyError;
pub use cleanup::CleanUp;
pub use definition::{BadHandler, Handler, Projection, RowKey};
pub use embedded::projections;
pub use maintenance::{Maintenance, MaintenanceError};
pub use presence::Presence;
pub use progress::Progress;
pub use projector::{Pace, Projector, ProjectorError};
pub use readers::{ProjectionHealth, Readers, TimedOut};
pub use rebuild_into::Until;
pub use set::{BadSet, Member, ProjectionSet};
pub use source::{EventReader, LogSource, SourceError};
pub use verify::{Difference, Verified, VerifyReport};
