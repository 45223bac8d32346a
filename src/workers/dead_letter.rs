//! Dead letters: abandoned work, stored with its cause until an operator requeues it.

use std::collections::HashSet;

use async_nats::HeaderMap;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Delivery;
use crate::event_log::kept::Backwards;
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
    /// Cause, without personal data.
    pub cause: String,
    /// True if the work is requeued when all dead letters are requeued. Otherwise it is requeued
    /// only by its number.
    #[serde(default = "yes")]
    pub is_requeued_with_all: bool,
}

const fn yes() -> bool {
    true
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
            is_requeued_with_all: true,
        }
    }

    /// Creates the dead letter of a message from which no event can be read. `aggregate` is the
    /// kind and id of the aggregate, if they are known.
    #[must_use]
    pub fn of_unreadable(
        worker: &str,
        position: Position,
        attempts: u32,
        aggregate: Option<(&str, &str)>,
        cause: &str,
    ) -> Self {
        let (kind, id) = aggregate.unwrap_or(("unknown", "unknown"));
        Self {
            worker: worker.to_owned(),
            position,
            // The message id of the letter contains it, so it must differ for each position.
            event_id: Uuid::from_u64_pair(0, position),
            event_type: "unreadable".to_owned(),
            aggregate: kind.to_owned(),
            id: id.to_owned(),
            attempts,
            cause: cause.to_owned(),
            is_requeued_with_all: false,
        }
    }
}

/// Stores a dead letter and waits until the server has acknowledged it. `request` is the id of the
/// request that repeated the work, if any. Within one hour, the server stores one letter per
/// worker, event and request, even if the work was given up several times.
///
/// # Errors
/// The server is unreachable or rejects the message.
pub async fn keep(
    log: &EventLog,
    letter: &DeadLetter,
    request: Option<Uuid>,
) -> Result<(), LogError> {
    let request = request.unwrap_or_default();
    let id = format!("{}.{}.{request}", letter.worker, letter.event_id);
    publish(log, letter, letter, &id).await?;
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

/// Stored dead letter and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Sequence number in the stream of dead letters.
    pub number: Position,
    /// Content of the dead letter.
    pub letter: DeadLetter,
}

/// Returns the open dead letter with a number. Returns `None` if there is none, or if it is
/// settled.
///
/// # Errors
/// The server is unreachable.
pub async fn find(log: &EventLog, number: Position) -> Result<Option<Kept>, LogError> {
    let names = log.names();
    let stream = names.dead_letters();
    let Some(body) = log.kept_at(&stream, number).await? else {
        return Ok(None);
    };
    let Ok(letter) = serde_json::from_slice::<DeadLetter>(&body) else {
        return Ok(None);
    };
    let subject = names.dead_letter(&letter.worker, &letter.id);
    let later = log.kept_after(&stream, &subject, number).await?;
    let is_settled = later.iter().any(|body| {
        serde_json::from_slice::<Settled>(body).is_ok_and(|note| note.settled == number)
    });
    Ok((!is_settled).then_some(Kept { number, letter }))
}

/// Returns true if a worker has given up the work of the aggregate's event at `position` or of a
/// later one, and this work was not requeued since.
///
/// # Errors
/// The server is unreachable.
pub async fn is_given_up(
    log: &EventLog,
    worker: &str,
    id: &str,
    position: Position,
) -> Result<bool, LogError> {
    let names = log.names();
    let subject = names.dead_letter(worker, id);
    let last = log.last_kept(&names.dead_letters(), &subject).await?;
    let letter = last.and_then(|(_, body)| serde_json::from_slice::<DeadLetter>(&body).ok());
    Ok(letter.is_some_and(|letter| letter.position >= position))
}

/// Returns all open dead letters of one worker, or of all workers, newest first, in pages.
///
/// # Errors
/// The server is unreachable.
pub async fn open<'l>(
    log: &'l EventLog,
    worker: Option<&'l str>,
) -> Result<OpenLetters<'l>, LogError> {
    let names = log.names();
    let pages = log
        .kept_backwards(&names.dead_letters(), &names.dead_letter("*", "*"))
        .await?;
    Ok(OpenLetters {
        pages,
        worker,
        settled: HashSet::new(),
    })
}

/// Pages of open dead letters, newest first.
pub struct OpenLetters<'l> {
    pages: Backwards<'l>,
    worker: Option<&'l str>,
    /// Numbers of settled dead letters that have not been read yet. A note is stored after its dead
    /// letter, so in reverse order, it is read first.
    settled: HashSet<Position>,
}

impl OpenLetters<'_> {
    /// Returns the next older page, or `None` if all have been read. Pages may be empty.
    ///
    /// # Errors
    /// The server is unreachable. The next call requests the same page again.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Kept>>, LogError> {
        let Some(page) = self.pages.next_page().await? else {
            return Ok(None);
        };
        let mut letters = Vec::new();
        for (number, body) in page.iter().rev() {
            if let Ok(note) = serde_json::from_slice::<Settled>(body) {
                self.settled.insert(note.settled);
            } else if !self.settled.remove(number)
                && let Ok(letter) = serde_json::from_slice::<DeadLetter>(body)
                && self.worker.is_none_or(|worker| letter.worker == worker)
            {
                letters.push(Kept {
                    number: *number,
                    letter,
                });
            }
        }
        Ok(Some(letters))
    }
}

/// Records that the work of a dead letter was requeued. The letter stays in the stream but is no
/// longer listed.
///
/// # Errors
/// The server is unreachable or rejects the message.
pub async fn settle(log: &EventLog, kept: &Kept) -> Result<(), LogError> {
    let note = Settled {
        settled: kept.number,
    };
    let id = format!("settled.{}", kept.number);
    publish(log, &kept.letter, &note, &id).await
}

/// Publishes a message about a dead letter on the letter's subject. Within one hour, the server
/// stores only one message with this id.
async fn publish(
    log: &EventLog,
    about: &DeadLetter,
    message: &impl Serialize,
    message_id: &str,
) -> Result<(), LogError> {
    let body = serde_json::to_vec(message).map_err(|e| LogError::Unavailable(e.to_string()))?;
    let subject = log.names().dead_letter(&about.worker, &about.id);
    let unavailable = |error: async_nats::jetstream::context::PublishError| {
        LogError::Unavailable(error.to_string())
    };
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", message_id);
    log.context()
        .publish_with_headers(subject, headers, body.into())
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
