//! Interface through which the projections read the event log. [`EventLog`] implements it. Tests
//! implement it with fixed events.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thiserror::Error;

use crate::event_log::{EventLog, LogError, LogInfo, LogReader, Position, RecordedEvent};

/// Log that can be read in order from any position.
pub trait LogSource: Send + Sync {
    /// Returns the creation time and the last position of the log.
    fn info(&self) -> BoxFuture<'_, Result<LogInfo, SourceError>>;

    /// Returns a cursor on the events after `position`. Position 0 reads the whole log.
    fn read_after(&self, position: Position) -> Box<dyn EventReader>;
}

/// Cursor on the log.
pub trait EventReader: Send {
    /// Returns at most `max` further events in order. Waits at most `wait` for the first event, and
    /// at most `wait` for each further event that is on its way. Returns an empty vector if no
    /// event arrived. After an error, the cursor can't be used.
    fn next_batch(
        &mut self,
        max: usize,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, SourceError>>;
}

/// Error while reading the event log.
#[derive(Debug, Error)]
#[error("the event log can't be read: {message}")]
pub struct SourceError {
    /// Cause, without personal data.
    pub message: String,
    /// True if the same call may succeed later.
    pub transient: bool,
    /// Position of the message that is not an event, if this is the cause. All events before it can
    /// be read.
    pub unreadable: Option<Position>,
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
        let unreadable = match error {
            LogError::Undecodable { position, .. } => Some(position),
            _ => None,
        };
        Self {
            message: error.to_string(),
            transient,
            unreadable,
        }
    }
}
