//! Projections: query tables folded from the log.
//!
//! * [`definition`], [`embedded`], [`set`] — a projection as data: the SQL under `projections/`,
//!   its fingerprint, and the schema that follows from it.
//! * [`projector`] — keeps them up with the log: batches cut into [`waves`], rows and [`checkpoints`]
//!   in one transaction, fenced by the old checkpoint.
//! * [`readers`] — waiting for a position, and health.
//! * [`rebuild`], [`verify`], [`cleanup`] — a fresh copy beside the live tables: swapped in, compared,
//!   or made as of an earlier time; and dropping what no program reads any more.
//! * [`queries`] — the read queries beside the handlers, typed.
//!
//! Nothing here decides anything, sends anything or renders anything, and it can't: it sees events
//! and SQL.

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
