//! Types and traits that every context uses. They know no aggregate but the claim.

pub mod claim;
pub mod decider;
pub mod domain_event;
pub mod ids;
pub mod keyed_hash;
pub mod locale;
pub mod personal;
pub mod refusal;
pub mod secret;
pub mod web_url;
