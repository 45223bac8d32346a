//! Workers, which turn events into external effects and record the outcomes as events.
//!
//! Each worker is a durable consumer of the event log. Many processes can run the same worker and
//! share its deliveries. If a worker gives up an event, a dead letter is stored. The table of
//! events and the workers that handle them is [`crate::domain::flow`].

pub mod consume;
pub mod dead_letter;
pub mod importer;
pub mod mailer;
pub mod max_deliveries;
pub mod notifier;
pub mod processes;
pub mod renderer;
mod single_delivery;
pub mod state;
pub mod timers;

pub use crate::domain::flow;
pub use consume::{Delivery, Verdict, Worker, run};
pub use single_delivery::SingleDelivery;
pub use state::{Away, StateHandle, WorkerState, WorkerStates};
