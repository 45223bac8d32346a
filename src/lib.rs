//! Laureate: certificates from a spreadsheet to a verified, mailed PDF, event-sourced on NATS JetStream.
//!
//! `ARCHITECTURE.md` has the map and walkthroughs; `src/app.rs` is the composition root.

pub mod database;
pub mod domain;
pub mod event_log {
    //! placeholder replaced on merge
    pub mod recorded;
    pub mod upcast {
        //! placeholder replaced on merge
        /// placeholder replaced on merge
        pub const UPCASTERS_VERSION: u32 = 1;
    }
    pub use recorded::{LogInfo, Position, RecordedEvent};
}
pub mod projection;
