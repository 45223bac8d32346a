//! The pure core: one file per aggregate, read top-down — events, commands, state, decide, evolve, tests.
//!
//! Nothing here reads a clock, draws a random number or does I/O; all of it is passed in.

pub mod person;
pub mod personal;

pub use person::{FieldError, Person, RawPerson};
pub use personal::Personal;
