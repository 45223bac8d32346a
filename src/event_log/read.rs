//! Reading the whole log in order, from any position on.

use std::time::{Duration, Instant};

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures_util::{FutureExt, StreamExt};
use time::OffsetDateTime;

use super::availability::patiently;
use super::envelope::recorded;
use super::{EventLog, LogError, Position, RecordedEvent};

/// How many messages one pull asks the server for.
const PULL: i64 = 1_000;
/// How long the server may take to give an event that it says it has.
const FIRST_WITHIN: Duration = Duration::from_secs(10);

/// How often a reader that hears nothing asks whether there is something. A consumer lives on one
/// node; when that goes down, async-nats notices after a minute.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// Bodies of one batch, in bytes: large events make it end early.
const MAX_BYTES: usize = 16 << 20;

/// A cursor that moves along the log.
pub struct LogReader {
    log: EventLog,
    after: Position,
    /// Subjects that the server picks; empty for all.
    subjects: Vec<String>,
    /// How many events the server had still to give when it was asked or gave the last one.
    remaining: u64,
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
        self.read_some_after(position, Vec::new())
    }

    /// As [`Self::read_after`], but only of these subjects, which the server picks; all if there is none.
    #[must_use]
    pub fn read_some_after(&self, position: Position, subjects: Vec<String>) -> LogReader {
        let silence = Silence { asked: Instant::now(), last: 0 };
        LogReader { log: self.clone(), after: position, subjects, remaining: 0, messages: None, silence }
    }

    /// The position of the first event that the server took at `time` or later; `None` if there is none.
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
        let unavailable = || LogError::Unavailable("the server did not give an event in time".to_owned());
        let first = tokio::time::timeout(FIRST_WITHIN, messages.next()).await.map_err(|_| unavailable())?;
        let first = first.ok_or_else(unavailable)?.map_err(|e| LogError::Unavailable(e.to_string()))?;
        let info = first.info().map_err(|error| LogError::Unavailable(error.to_string()))?;
        Ok(Some(info.stream_sequence))
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
        self.open().await?;
        let Some(mut messages) = self.messages.take() else { return Ok(Vec::new()) };
        let (mut events, mut bytes) = (Vec::new(), 0);
        let Ok(first) = tokio::time::timeout(wait, messages.next()).await else {
            self.messages = self.is_live().await.then_some(messages);
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
                // A consumer that async-nats made anew before anything had come begins with the log.
                Ok(event) if event.position <= self.after => return Ok(events),
                Ok(event) => {
                    self.after = event.position;
                    bytes += event.body.len();
                    events.push(event);
                    self.remaining > 0
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

    /// How many events there were still to come when the server was last heard: 0 at the log's end.
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
                deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.after + 1 },
                filter_subjects: self.subjects.clone(),
                max_batch: PULL,
                ..Default::default()
            };
            // Where the consumer would live, a node may be about to go or to come.
            let (messages, remaining) =
                patiently(|wait| within(wait * 4, consume(&self.log, config.clone()))).await?;
            self.messages = Some(messages);
            self.remaining = remaining;
        }
        Ok(())
    }

    /// Whether the consumer may be heard of again. It is not if it kept silent over something that was
    /// in the log when the reader asked last; the next call makes a new one.
    async fn is_live(&mut self) -> bool {
        // One that hears only some subjects is rightly silent over others.
        if !self.subjects.is_empty() || self.silence.asked.elapsed() < ASK_EVERY {
            return true;
        }
        let missed = self.silence.last > self.after;
        let last = self.log.info().await.map_or(0, |info| info.last_position);
        self.silence = Silence { asked: Instant::now(), last: if missed { 0 } else { last } };
        !missed
    }

    /// The event; notes how many are still to come.
    fn read(&mut self, message: &mut Message) -> Result<RecordedEvent, LogError> {
        let info = message.info().map_err(|error| LogError::Unavailable(error.to_string()))?;
        let position = info.stream_sequence;
        self.remaining = info.pending;
        let headers = message.message.headers.take().unwrap_or_default();
        let (subject, body) = (message.subject.as_str(), message.payload.clone());
        recorded(self.log.names(), subject, position, &headers, body)
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, LogError>>) -> Result<T, LogError> {
    let late = || LogError::Unavailable("the server did not make a consumer in time".to_owned());
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}

/// A consumer of the log, and how many messages it has to give.
async fn consume(log: &EventLog, config: pull::OrderedConfig) -> Result<(pull::Ordered, u64), LogError> {
    let stream = log.context().get_stream(log.names().events()).await?;
    let unavailable = |error: &dyn std::fmt::Display| LogError::Unavailable(error.to_string());
    let consumer = stream.create_consumer(config).await.map_err(|e| unavailable(&e))?;
    let remaining = consumer.cached_info().num_pending;
    Ok((consumer.messages().await.map_err(|e| unavailable(&e))?, remaining))
}
