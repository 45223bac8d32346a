//! What projections need of the event log: a port, so that tests can give events; and the real one.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thiserror::Error;

use crate::event_log::{EventLog, LogError, LogInfo, LogReader, Position, RecordedEvent};

/// A log that can be read in order from any position.
pub trait LogSource: Send + Sync {
    /// What is known about the log as a whole.
    fn info(&self) -> BoxFuture<'_, Result<LogInfo, SourceError>>;

    /// A cursor that gives the events after a position; 0 for the whole log.
    fn read_after(&self, position: Position) -> Box<dyn EventReader>;
}

/// A cursor that moves along the log.
pub trait EventReader: Send {
    /// Up to `max` further events, in order. Waits at most `wait` for the first of them, then takes
    /// what is there; empty where nothing came. After an error the cursor is not used any more.
    fn next_batch(
        &mut self,
        max: usize,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, SourceError>>;
}

/// The log could not be read.
#[derive(Debug, Error)]
#[error("the event log can't be read: {message}")]
pub struct SourceError {
    /// What went wrong, without personal data.
    pub message: String,
    /// Whether the same call can succeed later.
    pub transient: bool,
}

impl LogSource for EventLog {
    fn info(&self) -> BoxFuture<'_, Result<LogInfo, SourceError>> {
        async { Ok(Self::info(self).await?) }.boxed()
    }

    fn read_after(&self, position: Position) -> Box<dyn EventReader> {
        Box::new(Self::read_after(self, position))
    }
}

impl EventReader for LogReader {
    fn next_batch(
        &mut self,
        max: usize,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, SourceError>> {
        async move { Ok(Self::next_batch(self, max, wait).await?) }.boxed()
    }
}

impl From<LogError> for SourceError {
    fn from(error: LogError) -> Self {
        let transient = matches!(error, LogError::Unavailable(_));
        Self { message: error.to_string(), transient }
    }
}
