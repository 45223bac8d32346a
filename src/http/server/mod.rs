//! Server: connections, limits per client, layers around every request, graceful shutdown, and
//! readiness.

pub mod assemble;
pub mod client_address;
pub mod connections;
pub mod held;
pub mod layers;
pub mod management;
pub mod readiness;
pub mod serve;
pub mod shares;
mod stalling;
