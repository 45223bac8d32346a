//! Reading the whole log in order, from any position on.

use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures_util::{FutureExt, StreamExt};

use super::envelope::recorded;
use super::{EventLog, LogError, Position, RecordedEvent};

/// How many messages one pull asks the server for.
const PULL: i64 = 1_000;

/// A cursor that moves along the log.
pub struct LogReader {
    log: EventLog,
    after: Position,
    messages: Option<pull::Ordered>,
}

impl EventLog {
    /// A cursor that gives the events after a position; 0 for the whole log.
    #[must_use]
    pub fn read_after(&self, position: Position) -> LogReader {
        LogReader { log: self.clone(), after: position, messages: None }
    }
}

impl LogReader {
    /// The position of the last event given, or where reading began.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.after
    }

    /// Up to `max` further events, in order. Waits at most `wait` for the first of them, then takes
    /// what is there; empty where nothing came.
    ///
    /// # Errors
    /// The server can't be reached, or a message is not an event. The next call goes on after the
    /// last event given, so a caller may simply try again.
    pub async fn next_batch(&mut self, max: usize, wait: Duration) -> Result<Vec<RecordedEvent>, LogError> {
        let mut messages = match self.messages.take() {
            Some(messages) => messages,
            None => open(&self.log, self.after).await?,
        };
        let mut events = Vec::new();
        let Ok(first) = tokio::time::timeout(wait, messages.next()).await else {
            self.messages = Some(messages);
            return Ok(events);
        };
        let mut next = first;
        loop {
            // The stream ended or broke: what came before it counts, and the next call opens it again.
            let Some(Ok(message)) = next else {
                return match next {
                    Some(Err(error)) if events.is_empty() => Err(LogError::Unavailable(error.to_string())),
                    _ => Ok(events),
                };
            };
            match self.read(&message) {
                Ok(event) => {
                    self.after = event.position;
                    events.push(event);
                }
                Err(error) if events.is_empty() => return Err(error),
                // The next call meets it first, and says so.
                Err(_) => return Ok(events),
            }
            if events.len() >= max {
                break;
            }
            match messages.next().now_or_never() {
                Some(more) => next = more,
                None => break,
            }
        }
        self.messages = Some(messages);
        Ok(events)
    }

    fn read(&self, message: &Message) -> Result<RecordedEvent, LogError> {
        let info = message.info().map_err(|error| LogError::Unavailable(error.to_string()))?;
        let headers = message.headers.clone().unwrap_or_default();
        let (subject, body) = (message.subject.as_str(), message.payload.clone());
        recorded(self.log.names(), subject, info.stream_sequence, &headers, body)
    }
}

async fn open(log: &EventLog, after: Position) -> Result<pull::Ordered, LogError> {
    let stream = log.context().get_stream(log.names().events()).await?;
    let config = pull::OrderedConfig {
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: after + 1 },
        max_batch: PULL,
        ..Default::default()
    };
    let unavailable = |error: &dyn std::fmt::Display| LogError::Unavailable(error.to_string());
    let consumer = stream.create_consumer(config).await.map_err(|e| unavailable(&e))?;
    consumer.messages().await.map_err(|e| unavailable(&e))
}
