//! Reading the whole log in order, from any position on.

use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures_util::{FutureExt, StreamExt};

use super::envelope::recorded;
use super::{EventLog, LogError, Position, RecordedEvent};

/// How many messages one pull asks the server for.
const PULL: i64 = 1_000;
/// Bodies of one batch, in bytes: large events make it end early.
const MAX_BYTES: usize = 16 << 20;

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

    /// Up to `max` further events of at most about 16 MiB, in order. Waits at most `wait` for the
    /// first of them, then takes what the log holds; empty where nothing came.
    ///
    /// # Errors
    /// The server can't be reached, or a message is not an event. The next call goes on after the
    /// last event given, so a caller may simply try again.
    pub async fn next_batch(&mut self, max: usize, wait: Duration) -> Result<Vec<RecordedEvent>, LogError> {
        let mut messages = match self.messages.take() {
            Some(messages) => messages,
            None => open(&self.log, self.after).await?,
        };
        let (mut events, mut bytes) = (Vec::new(), 0);
        let Ok(first) = tokio::time::timeout(wait, messages.next()).await else {
            self.messages = Some(messages);
            return Ok(events);
        };
        let mut next = first;
        loop {
            // The stream ended or broke: what came before it counts, and the next call opens it again.
            let Some(Ok(mut message)) = next else {
                return match next {
                    Some(Err(error)) if events.is_empty() => Err(LogError::Unavailable(error.to_string())),
                    _ => Ok(events),
                };
            };
            let more = match self.read(&mut message) {
                Ok((event, more)) => {
                    self.after = event.position;
                    bytes += event.body.len();
                    events.push(event);
                    more
                }
                Err(error) if events.is_empty() => return Err(error),
                // The next call meets it first, and says so.
                Err(_) => return Ok(events),
            };
            if events.len() >= max || bytes >= MAX_BYTES {
                break;
            }
            next = match messages.next().now_or_never() {
                Some(next) => next,
                // More is on its way: small batches would cost their readers dearly.
                None if more => match tokio::time::timeout(wait, messages.next()).await {
                    Ok(next) => next,
                    Err(_) => break,
                },
                None => break,
            };
        }
        self.messages = Some(messages);
        Ok(events)
    }

    /// The event, and whether the log holds more after it.
    fn read(&self, message: &mut Message) -> Result<(RecordedEvent, bool), LogError> {
        let info = message.info().map_err(|error| LogError::Unavailable(error.to_string()))?;
        let (position, more) = (info.stream_sequence, info.pending > 0);
        let headers = message.message.headers.take().unwrap_or_default();
        let (subject, body) = (message.subject.as_str(), message.payload.clone());
        Ok((recorded(self.log.names(), subject, position, &headers, body)?, more))
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
