//! Requesting the batches of an import.

use super::{CommandContext, CommandError, Commands};
use crate::domain::certification::batch::{Batch, BatchCommand};
use crate::domain::certification::import::{ImportEvent, ImportRequested};
use crate::domain::certification::reactions::import::{DueBatch, DueBatches};
use crate::domain::{ImportId, Refusal};

/// Requests a batch. Does nothing if the batch has already been requested.
///
/// # Errors
/// The log can't be used.
pub async fn request_batch(
    commands: &Commands,
    context: &CommandContext,
    batch: DueBatch,
) -> Result<(), CommandError> {
    let DueBatch { id, request } = batch;
    match commands
        .execute::<Batch>(context, id, BatchCommand::Request(request))
        .await
    {
        Ok(_) | Err(CommandError::Refused(Refusal::AlreadyExists(_))) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Returns the people in the recorded rows of an import who don't belong to a full batch, and the
/// full batches.
///
/// # Errors
/// The log can't be read.
pub async fn recorded_batches(
    commands: &Commands,
    id: ImportId,
    asked: &ImportRequested,
) -> Result<(DueBatches, Vec<DueBatch>), CommandError> {
    let mut due = DueBatches::new(id, asked);
    let mut full = Vec::new();
    for event in commands.log().load("import", &id.to_string(), 0).await? {
        if let ImportEvent::ImportRowsAccepted(rows) = event.decode_as::<ImportEvent>()? {
            full.extend(due.add(&rows));
        }
    }
    Ok((due, full))
}
