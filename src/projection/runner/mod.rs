//! Projector: keeps the query tables up to date with the log.
//!
//! * [`projector`] — reads the log and starts a worker per projection.
//! * [`worker`] — applies batches of events to the tables of one projection.
//! * [`waves`] — cuts a batch into statements, so that the events of one row keep their order.
//! * [`apply`] — runs these statements in one transaction with the checkpoint.
//! * [`going_live`] — replaces the tables of an older program by those of this one.

pub(super) mod apply;
mod going_live;
pub(super) mod presence;
pub(super) mod projector;
pub(super) mod read_ahead;
mod track;
mod waves;
mod worker;
