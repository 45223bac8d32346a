//! Projections on a real PostgreSQL: given these events, these are the rows.

mod deciders;
mod given_log;
mod maintenance;
mod projector;
mod queries;
mod random;
mod rows;
mod story;
mod world;
