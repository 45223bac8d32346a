//! Requesting the batches of an import.

use super::{CommandContext, CommandError, Commands};
use crate::domain::certification::batch::{Batch, BatchCommand};
use crate::domain::certification::import::{Import, ImportEvent, ImportRequested};
use crate::domain::certification::reactions::import::{DueBatch, DueBatches};
use crate::domain::{Decider, ImportId, Refusal};
use crate::event_log::Position;

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

/// Returns the people of an import's accepted rows who are not in a batch yet, and the batches.
/// Uses the events of the import up to `position`, which is the position of one of them. A batch
/// ends when it is full. When the import fails, the remaining people become batches, too.
///
/// # Errors
/// The log can't be read, or it lacks the event at `position`.
pub async fn recorded_batches(
    commands: &Commands,
    id: ImportId,
    asked: &ImportRequested,
    position: Position,
) -> Result<(DueBatches, Vec<DueBatch>), CommandError> {
    let mut due = DueBatches::new(id, asked);
    let mut made = Vec::new();
    let log = commands.log();
    let id = id.to_string();
    let mut events = log.history(Import::AGGREGATE, &id, 0, position).await?;
    events.retain(|event| event.position <= position);
    for event in events {
        match event.decode_as::<ImportEvent>()? {
            ImportEvent::ImportRowsAccepted(rows) => made.extend(due.add(&rows)),
            ImportEvent::ImportFailed(_) => made.extend(due.rest()),
            _ => {}
        }
    }
    Ok((due, made))
}
