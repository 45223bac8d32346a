//! Laureate: certificates from a spreadsheet to a verified, mailed PDF, event-sourced on NATS JetStream.
//!
//! `ARCHITECTURE.md` has the map and walkthroughs; `src/app.rs` is the composition root.

pub mod cli;
pub mod domain;
pub mod stack;
