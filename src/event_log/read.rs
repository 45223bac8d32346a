//! Reading the whole log in order, from any position on.

use std::time::{Duration, Instant};

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures_util::{FutureExt, StreamExt};

use super::availability::patiently;
use super::envelope::recorded;
use super::{EventLog, LogError, Position, RecordedEvent};

/// How many messages one pull asks the server for.
const PULL: i64 = 1_000;

/// How often a reader that hears nothing asks whether there is something. A consumer lives on one
/// node; when that goes down, async-nats notices after a minute.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// A cursor that moves along the log.
pub struct LogReader {
    log: EventLog,
    after: Position,
    messages: Option<pull::Ordered>,
    silence: Silence,
}

/// What a reader that hears nothing knows.
struct Silence {
    asked: Instant,
    /// The log's last position when it asked.
    last: Position,
}

impl EventLog {
    /// A cursor that gives the events after a position; 0 for the whole log.
    #[must_use]
    pub fn read_after(&self, position: Position) -> LogReader {
        let silence = Silence { asked: Instant::now(), last: 0 };
        LogReader { log: self.clone(), after: position, messages: None, silence }
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
            // Where the consumer would live, a node may be about to go or to come.
            None => patiently(|wait| within(wait * 4, open(&self.log, self.after))).await?,
        };
        let mut events = Vec::new();
        let Ok(first) = tokio::time::timeout(wait, messages.next()).await else {
            self.messages = self.is_live().await.then_some(messages);
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
                // A consumer that async-nats made anew before anything had come begins with the log.
                Ok(event) if event.position <= self.after => return Ok(events),
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

    /// Whether the consumer may be heard of again. It is not if it kept silent over something that was
    /// in the log when the reader asked last; the next call makes a new one.
    async fn is_live(&mut self) -> bool {
        if self.silence.asked.elapsed() < ASK_EVERY {
            return true;
        }
        let missed = self.silence.last > self.after;
        let last = self.log.info().await.map_or(0, |info| info.last_position);
        self.silence = Silence { asked: Instant::now(), last: if missed { 0 } else { last } };
        !missed
    }

    fn read(&self, message: &Message) -> Result<RecordedEvent, LogError> {
        let info = message.info().map_err(|error| LogError::Unavailable(error.to_string()))?;
        let headers = message.headers.clone().unwrap_or_default();
        let (subject, body) = (message.subject.as_str(), message.payload.clone());
        recorded(self.log.names(), subject, info.stream_sequence, &headers, body)
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, LogError>>) -> Result<T, LogError> {
    let late = || LogError::Unavailable("the server did not make a consumer in time".to_owned());
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
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
