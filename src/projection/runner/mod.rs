//! Projector: keeps the query tables up to date with the log.
//!
//! * [`projector`]: reads the log and runs the worker.
//! * [`worker`]: applies batches of events to the tables.
//! * [`waves`]: divides a batch into statements, so that the events of one row keep their order.
//! * [`apply`]: runs these statements in one transaction with the checkpoint.
//! * [`going_live`]: replaces the tables of an older program with those of this program.

pub(super) mod apply;
mod going_live;
pub(super) mod presence;
pub(super) mod projector;
pub(super) mod read_ahead;
mod track;
mod waves;
mod worker;
