//! Types and traits that every context uses. Except for the claim, they don't depend on any
//! aggregate.

pub mod claim;
pub mod data_subject;
pub mod decider;
pub mod domain_event;
pub mod ids;
pub mod keyed_hash;
pub mod locale;
pub mod personal;
pub mod refusal;
pub mod secret;
pub mod web_url;
