//! Dead letters: abandoned work, kept with its cause until an operator requeues it.
//!
//! [`super::max_deliveries`] stores the dead letters of workers that crash on their last attempt.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Delivery;
use crate::event_log::{EventLog, LogError, Position};

/// Abandoned work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Name of the worker that gave up.
    pub worker: String,
    /// Position of the event.
    pub position: Position,
    /// Id of the event.
    pub event_id: Uuid,
    /// Type of the event.
    pub event_type: String,
    /// Kind of the aggregate.
    pub aggregate: String,
    /// Id of the aggregate.
    pub id: String,
    /// Number of deliveries.
    pub attempts: u32,
    /// Reason, without personal data.
    pub cause: String,
}

impl DeadLetter {
    /// Creates the dead letter of a delivery.
    #[must_use]
    pub fn of(worker: &str, delivery: &Delivery, cause: &str) -> Self {
        let event = &delivery.event;
        Self {
            worker: worker.to_owned(),
            position: event.position,
            event_id: event.event_id,
            event_type: event.event_type.clone(),
            aggregate: event.aggregate.clone(),
            id: event.id.clone(),
            attempts: delivery.attempt,
            cause: cause.to_owned(),
        }
    }
}

/// Stores a dead letter and waits until the server has acknowledged it.
///
/// # Errors
/// The server is unreachable or rejects the message.
pub async fn keep(log: &EventLog, letter: &DeadLetter) -> Result<(), LogError> {
    publish(log, letter, letter).await?;
    metrics::counter!("laureate_dead_letters_total", "worker" => letter.worker.clone())
        .increment(1);
    tracing::warn!(
        worker = letter.worker,
        position = letter.position,
        event_type = letter.event_type,
        id = letter.id,
        attempts = letter.attempts,
        cause = letter.cause,
        "work given up, dead letter stored"
    );
    Ok(())
}

/// Stored dead letter with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Sequence number in the stream of dead letters.
    pub number: Position,
    /// Content of the dead letter.
    pub letter: DeadLetter,
}

/// Returns the newest `most` open dead letters of one worker, or of all workers, oldest first.
/// Settled dead letters don't count.
///
/// # Errors
/// The server is unreachable.
pub async fn kept(
    log: &EventLog,
    worker: Option<&str>,
    most: usize,
) -> Result<Vec<Kept>, LogError> {
    let names = log.names();
    let mut pages = log
        .kept_backwards(&names.dead_letters(), &names.dead_letter("*", "*"))
        .await?;
    // A note comes after its dead letter, so it is read before it.
    let mut settled: HashSet<Position> = HashSet::new();
    let mut letters = Vec::new();
    while letters.len() < most
        && let Some(page) = pages.next_page().await?
    {
        for (number, body) in page.iter().rev() {
            if let Ok(note) = serde_json::from_slice::<Settled>(body) {
                settled.insert(note.settled);
            } else if !settled.remove(number)
                && let Ok(letter) = serde_json::from_slice::<DeadLetter>(body)
                && worker.is_none_or(|worker| letter.worker == worker)
            {
                letters.push(Kept {
                    number: *number,
                    letter,
                });
            }
        }
    }
    letters.truncate(most);
    letters.reverse();
    Ok(letters)
}

/// Records that the work of a dead letter was requeued. The letter stays in the stream but is not
/// listed any more.
///
/// # Errors
/// The server is unreachable or rejects the message.
pub async fn settle(log: &EventLog, kept: &Kept) -> Result<(), LogError> {
    let note = Settled {
        settled: kept.number,
    };
    publish(log, &kept.letter, &note).await
}

/// Writes a message about a dead letter to its subject.
async fn publish(
    log: &EventLog,
    about: &DeadLetter,
    message: &impl Serialize,
) -> Result<(), LogError> {
    let body = serde_json::to_vec(message).map_err(|e| LogError::Unavailable(e.to_string()))?;
    let subject = log.names().dead_letter(&about.worker, &about.id);
    let unavailable = |error: async_nats::jetstream::context::PublishError| {
        LogError::Unavailable(error.to_string())
    };
    log.context()
        .publish(subject, body.into())
        .await
        .map_err(unavailable)?
        .await
        .map_err(unavailable)?;
    Ok(())
}

/// Message in the stream of dead letters that marks one of them as settled.
#[derive(Serialize, Deserialize)]
struct Settled {
    /// Number of the dead letter.
    settled: Position,
}
