//! Batches: one request to issue a certificate for many people each.

pub mod cancel;
pub mod events;
pub mod files;
pub mod get;
pub mod list;
pub mod undo;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A batch that is being stopped, or is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchStopping {
    /// The batch.
    batch_id: Uuid,
    /// `cancelling` or `undoing`; `cancelled` or `undone` where that had been done before.
    #[schema(example = "undoing")]
    state: &'static str,
}
