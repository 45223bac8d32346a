//! In-memory log. It contains the events that a test provides.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use laureate::domain::{Decider, DomainEvent};
use laureate::event_log::{LogInfo, Position, RecordedEvent};
use laureate::projection::{EventReader, LogSource, SourceError};
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::sync::watch;
use uuid::Uuid;

/// Event of one aggregate. Its position and time are derived from its index in the log.
#[derive(Clone, Debug)]
pub struct Happened {
    pub aggregate: &'static str,
    pub id: Uuid,
    pub event_type: String,
    pub body: Bytes,
}

/// Creates an event of an aggregate of type `D`.
pub fn happened<D: Decider>(id: u128, event: impl Into<D::Event>) -> Happened {
    let event = event.into();
    Happened {
        aggregate: D::AGGREGATE,
        id: Uuid::from_u128(id),
        event_type: event.event_type().to_owned(),
        body: Bytes::from(event.encode()),
    }
}

/// In-memory log. Positions start at 7 and increase by 3, because no code may assume that positions
/// are contiguous.
pub struct GivenLog {
    created: Mutex<OffsetDateTime>,
    events: watch::Sender<Vec<RecordedEvent>>,
    delivery: Delivery,
    /// End of the log that a replica reports which lags, and the number of such answers.
    lagging: Mutex<(Option<Position>, usize)>,
}

/// Settings for the delivery of events to readers.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    /// Sizes of successive batches. The list is repeated from its start. If it is empty, each batch
    /// has the size that was requested.
    pub sizes: Vec<usize>,
    /// Number of events of the previous batch that each batch delivers again.
    pub again: usize,
}

impl GivenLog {
    pub fn new(delivery: Delivery) -> Arc<Self> {
        let created = Mutex::new(datetime!(2026-11-01 00:00 UTC));
        Arc::new(Self {
            created,
            events: watch::Sender::new(Vec::new()),
            delivery,
            lagging: Mutex::default(),
        })
    }

    /// Appends events, and returns the last position.
    pub fn append(&self, story: impl IntoIterator<Item = Happened>) -> Position {
        self.events.send_modify(|events| {
            for happened in story {
                let position = events
                    .last()
                    .map_or(7, |last: &RecordedEvent| last.position + 3);
                events.push(RecordedEvent {
                    position,
                    time: datetime!(2026-11-21 12:00 UTC)
                        + time::Duration::seconds(position as i64),
                    aggregate: happened.aggregate.to_owned(),
                    id: happened.id.to_string(),
                    event_id: Uuid::from_u128(position.into()),
                    event_type: happened.event_type,
                    schema: 1,
                    command_id: Uuid::from_u128(position.into()).into(),
                    caused_by: None,
                    correlation_id: Uuid::from_u128(position.into()),
                    actor: "test".to_owned(),
                    request_id: None,
                    via: None,
                    data_subject: None,
                    workers: String::new(),
                    body: happened.body,
                });
            }
        });
        self.last_position()
    }

    pub fn last_position(&self) -> Position {
        self.events.borrow().last().map_or(0, |last| last.position)
    }

    pub fn times(&self) -> Vec<OffsetDateTime> {
        self.events
            .borrow()
            .iter()
            .map(|event| event.time)
            .collect()
    }

    /// Removes all events except the first `keep`.
    pub fn lose_all_but(&self, keep: usize) {
        self.events.send_modify(|events| events.truncate(keep));
    }

    /// Simulates that a replica which lags answers from now on, and reports this end of the log.
    /// `None` ends this.
    pub fn lag(&self, end: Option<Position>) {
        self.lagging.lock().expect("not poisoned").0 = end;
    }

    /// Returns the number of answers of the replica that lags.
    pub fn lagging_answers(&self) -> usize {
        self.lagging.lock().expect("not poisoned").1
    }

    /// Simulates that the log was created anew with the same events.
    pub fn create_again(&self) {
        *self.created.lock().expect("not poisoned") += time::Duration::seconds(1);
    }
}

impl LogSource for GivenLog {
    fn info(&self) -> BoxFuture<'_, Result<LogInfo, SourceError>> {
        let created = *self.created.lock().expect("not poisoned");
        let mut lagging = self.lagging.lock().expect("not poisoned");
        lagging.1 += usize::from(lagging.0.is_some());
        let info = LogInfo {
            created,
            last_position: lagging.0.unwrap_or_else(|| self.last_position()),
        };
        async move { Ok(info) }.boxed()
    }

    fn read_after(&self, position: Position) -> Box<dyn EventReader> {
        let events = self.events.subscribe();
        Box::new(Reader {
            events,
            after: position,
            delivery: self.delivery.clone(),
            turn: 0,
        })
    }
}

struct Reader {
    events: watch::Receiver<Vec<RecordedEvent>>,
    after: Position,
    delivery: Delivery,
    turn: usize,
}

impl EventReader for Reader {
    fn next_batch(
        &mut self,
        max: usize,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, SourceError>> {
        async move {
            let after = self.after;
            let more = self
                .events
                .wait_for(|events| events.last().is_some_and(|last| last.position > after));
            let Ok(Ok(events)) = tokio::time::timeout(wait, more).await else {
                return Ok(Vec::new());
            };
            let size = match self.delivery.sizes.as_slice() {
                [] => max,
                sizes => sizes[self.turn % sizes.len()].clamp(1, max),
            };
            self.turn += 1;
            let next = events.partition_point(|event| event.position <= after);
            let again = if self.turn > 1 {
                self.delivery.again
            } else {
                0
            };
            let batch = events[next.saturating_sub(again)..events.len().min(next + size)].to_vec();
            self.after = batch.last().map_or(after, |last| last.position);
            Ok(batch)
        }
        .boxed()
    }
}
