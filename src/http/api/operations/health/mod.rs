//! Health checks for monitors and orchestrators. Details and metrics are on the management listener.

pub mod live;
pub mod ready;
pub mod status;

use serde::Serialize;
use utoipa::ToSchema;

/// Confirmation that the process answers.
#[derive(Serialize, ToSchema)]
pub struct Alive {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The program's version.
    version: &'static str,
}

const ALIVE: Alive = Alive { status: "ok", version: env!("CARGO_PKG_VERSION") };
