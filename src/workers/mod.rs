//! Workers, which turn events into external effects and record the outcomes as events.
//!
//! Each worker is a durable consumer of the event log. Many processes can run the same worker and
//! share its deliveries. If a worker gives up an event, a dead letter is stored. The table of
//! events and the workers that handle them is [`crate::domain::flow`].

mod conclusion;
pub mod consume;
mod crashes;
pub mod dead_letter;
mod handling;
pub mod importer;
mod in_hand;
mod intake;
pub mod mailer;
pub mod notifier;
mod pausing;
pub mod pending;
pub mod processes;
pub mod renderer;
pub mod retries;
pub mod sending;
mod single_delivery;
pub mod state;
pub mod timers;
pub mod verdict;

pub use crate::domain::flow;
pub use consume::{Delivery, WorkLimits, Worker, run};
pub use single_delivery::SingleDelivery;
pub use state::{Away, StateHandle, WorkerState, WorkerStates};
pub use verdict::Verdict;
