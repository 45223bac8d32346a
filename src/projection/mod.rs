//! Projections: query tables computed from the log.
//!
//! * [`definition`], [`embedded`], [`set`]: the SQL files in `projections/`, the fingerprint of
//!   each projection, and the schema name that is derived from it.
//! * [`runner`]: keeps the tables up to date with the log. Rows and [`checkpoints`] change in one
//!   transaction, which fails if the old checkpoint is not the expected one.
//! * [`readers`]: waits until a position is visible, and reports health.
//! * [`rebuild`]: fills a copy of the tables to replace the live ones, to compare with them, or to
//!   show the state at an earlier time. Also drops tables that no program uses.
//! * [`queries`]: typed read queries.
//!
//! This module uses only events and SQL. It can't make decisions, send mail or render.

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
pub use readers::{ProjectionHealth, Readers, Tables, TimedOut};
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
