//! Batches: each is a request to issue a certificate to many people.

pub mod events;
pub mod files;
pub mod read;
pub mod write;

use crate::http::protocol::names::BatchStateName;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// State of a batch that is being stopped or was stopped.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchStopping {
    /// Id of the batch.
    batch_id: Uuid,
    /// `cancelling` or `undoing`; `cancelled` or `undone` if that was finished before.
    #[schema(value_type = BatchStateName)]
    state: &'static str,
}
