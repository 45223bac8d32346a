//! Projections on a real PostgreSQL: tests of the rows that result from given events.

mod command_line;
mod deciders;
mod given_log;
mod imported;
mod killed;
mod listing;
mod lists;
mod maintenance;
mod projector;
mod queries;
mod random;
pub mod real;
mod resumed;
mod rows;
mod side_by_side;
mod story;
mod users;
mod waiting;
mod world;
