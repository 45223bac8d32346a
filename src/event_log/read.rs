//! Reading of the whole log in order, from any position.

use std::time::{Duration, Instant};

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures_util::{FutureExt, StreamExt};
use time::OffsetDateTime;

use super::availability::patiently;
use super::envelope::recorded;
use super::{EventLog, LogError, Position, RecordedEvent};

/// Number of messages per pull request.
const PULL: i64 = 1_000;
/// Maximum wait for an event that the server has announced as pending.
const FIRST_WITHIN: Duration = Duration::from_secs(10);

/// Interval at which a reader without messages checks the last position of the log. A consumer
/// exists on one node only, and async-nats takes a minute to notice that this node is down.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// Maximum total size of the bodies in one batch, in bytes. A batch that reaches this size ends.
const MAX_BYTES: usize = 16 << 20;

/// Cursor on the log.
pub struct LogReader {
    log: EventLog,
    after: Position,
    /// Filter subjects of the consumer; empty for all.
    subjects: Vec<String>,
    /// Number of events after the last delivered message. Before the first message, the number at
    /// the creation of the consumer.
    remaining: u64,
    messages: Option<pull::Ordered>,
    silence: Silence,
}

/// Last check of a reader that receives no messages.
struct Silence {
    asked: Instant,
    /// Last position of the log at that time.
    last: Position,
}

impl EventLog {
    /// Returns a cursor on the events after a position. Position 0 reads the whole log.
    #[must_use]
    pub fn read_after(&self, position: Position) -> LogReader {
        self.read_some_after(position, Vec::new())
    }

    /// Like [`Self::read_after`], but only for these subjects. If `subjects` is empty, reads all
    /// events. The server filters.
    #[must_use]
    pub fn read_some_after(&self, position: Position, subjects: Vec<String>) -> LogReader {
        let silence = Silence {
            asked: Instant::now(),
            last: 0,
        };
        LogReader {
            log: self.clone(),
            after: position,
            subjects,
            remaining: 0,
            messages: None,
            silence,
        }
    }

    /// Returns the position of the first event that the server stored at or after `time`, if any.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn position_at(&self, time: OffsetDateTime) -> Result<Option<Position>, LogError> {
        let config = pull::OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartTime { start_time: time },
            max_batch: 1,
            ..Default::default()
        };
        let (mut messages, remaining) = consume(self, config).await?;
        if remaining == 0 {
            return Ok(None);
        }
        let unavailable =
            || LogError::Unavailable("the server did not deliver an event in time".to_owned());
        let first = tokio::time::timeout(FIRST_WITHIN, messages.next())
            .await
            .map_err(|_| unavailable())?;
        let first = first
            .ok_or_else(unavailable)?
            .map_err(|e| LogError::Unavailable(e.to_string()))?;
        let info = first
            .info()
            .map_err(|error| LogError::Unavailable(error.to_string()))?;
        Ok(Some(info.stream_sequence))
    }
}

impl LogReader {
    /// Returns the position of the last event returned, or the start position.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.after
    }

    /// Returns up to `max` further events of about 16 MiB in total, in order. Waits at most `wait`
    /// for the first event, and at most `wait` for each further event that the server has
    /// announced. The result is empty if no event arrived.
    ///
    /// # Errors
    /// The server can't be reached, or a message is not an event. The next call continues after the
    /// last returned event, so the caller may retry.
    pub async fn next_batch(
        &mut self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.open().await?;
        let Some(mut messages) = self.messages.take() else {
            return Ok(Vec::new());
        };
        let mut events = Vec::new();
        let mut bytes = 0;
        let Ok(first) = tokio::time::timeout(wait, messages.next()).await else {
            self.messages = self.is_live().await.then_some(messages);
            return Ok(events);
        };
        let mut next = first;
        loop {
            // The stream of messages ended or failed. This call returns the events so far, and the
            // next call opens the stream again.
            let Some(Ok(mut message)) = next else {
                return match next {
                    Some(Err(error)) if events.is_empty() => {
                        Err(LogError::Unavailable(error.to_string()))
                    }
                    _ => Ok(events),
                };
            };
            let more = match self.read(&mut message) {
                // If async-nats recreates a consumer before its first message, the new consumer
                // starts at the beginning of the log.
                Ok(event) if event.position <= self.after => return Ok(events),
                Ok(event) => {
                    self.after = event.position;
                    bytes += event.body.len();
                    events.push(event);
                    self.remaining > 0
                }
                Err(error) if events.is_empty() => return Err(error),
                // The next call reads this message first and returns the error.
                Err(_) => return Ok(events),
            };
            if events.len() >= max || bytes >= MAX_BYTES {
                break;
            }
            next = match messages.next().now_or_never() {
                Some(next) => next,
                // More messages are pending. Waiting for them avoids small batches, which are
                // expensive for the reader.
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

    /// Returns the number of events that remained after the last message; 0 at the end of the log.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn remaining(&mut self) -> Result<u64, LogError> {
        self.open().await?;
        Ok(self.remaining)
    }

    async fn open(&mut self) -> Result<(), LogError> {
        if self.messages.is_none() {
            let config = pull::OrderedConfig {
                deliver_policy: DeliverPolicy::ByStartSequence {
                    start_sequence: self.after + 1,
                },
                filter_subjects: self.subjects.clone(),
                max_batch: PULL,
                ..Default::default()
            };
            // The node of the consumer may be stopping or starting.
            let (messages, remaining) =
                patiently(|wait| within(wait * 4, consume(&self.log, config.clone()))).await?;
            self.messages = Some(messages);
            self.remaining = remaining;
        }
        Ok(())
    }

    /// Returns false if the consumer has not delivered an event that the log already had at the
    /// previous check. The next batch is then read with a new consumer.
    async fn is_live(&mut self) -> bool {
        // A consumer with a filter may correctly deliver nothing although the log has new events.
        if !self.subjects.is_empty() || self.silence.asked.elapsed() < ASK_EVERY {
            return true;
        }
        let missed = self.silence.last > self.after;
        let last = self.log.info().await.map_or(0, |info| info.last_position);
        self.silence = Silence {
            asked: Instant::now(),
            last: if missed { 0 } else { last },
        };
        !missed
    }

    /// Decodes the event and updates the number of remaining events.
    fn read(&mut self, message: &mut Message) -> Result<RecordedEvent, LogError> {
        let info = message
            .info()
            .map_err(|error| LogError::Unavailable(error.to_string()))?;
        let position = info.stream_sequence;
        self.log.note_position(position);
        self.remaining = info.pending;
        let headers = message.message.headers.take().unwrap_or_default();
        let subject = message.subject.as_str();
        let body = message.payload.clone();
        recorded(self.log.names(), subject, position, &headers, body)
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, LogError>>,
) -> Result<T, LogError> {
    let late = || LogError::Unavailable("the server did not create a consumer in time".to_owned());
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| Err(late()))
}

/// Creates a consumer of the log. Returns its messages and the number of pending ones.
async fn consume(
    log: &EventLog,
    config: pull::OrderedConfig,
) -> Result<(pull::Ordered, u64), LogError> {
    let stream = log.context().get_stream(log.names().events()).await?;
    let unavailable = |error: &dyn std::fmt::Display| LogError::Unavailable(error.to_string());
    let consumer = stream
        .create_consumer(config)
        .await
        .map_err(|e| unavailable(&e))?;
    let remaining = consumer.cached_info().num_pending;
    Ok((
        consumer.messages().await.map_err(|e| unavailable(&e))?,
        remaining,
    ))
}
