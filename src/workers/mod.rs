//! Workers turn events into outside effects and record the outcome as events.
//!
//! Each is a durable consumer of the log; many processes share one. What a worker gives up becomes
//! a dead letter.

pub mod bundle;
pub mod consume;
pub mod dead_letter;
pub mod importer;
pub mod long_names;
pub mod mailer;
pub mod notifier;
pub mod processes;
pub mod renderer;
pub mod timers;
pub mod undrawable;

pub use consume::{Delivery, Verdict, Worker, run};
