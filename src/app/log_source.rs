//! The event log as projections see it.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::event_log::{EventLog, LogError, LogInfo, LogReader, Position, RecordedEvent};
use crate::projection::{EventReader, LogSource, SourceError};

/// JetStream's log.
pub(super) struct JetStreamSource(pub(super) EventLog);

struct Cursor(LogReader);

impl LogSource for JetStreamSource {
    fn info(&self) -> BoxFuture<'_, Result<LogInfo, SourceError>> {
        async { self.0.info().await.map_err(source_error) }.boxed()
    }

    fn read_after(&self, position: Position) -> Box<dyn EventReader> {
        Box::new(Cursor(self.0.read_after(position)))
    }
}

impl EventReader for Cursor {
    fn next_batch(
        &mut self,
        max: usize,
        wait: Duration,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, SourceError>> {
        async move { self.0.next_batch(max, wait).await.map_err(source_error) }.boxed()
    }
}

fn source_error(error: LogError) -> SourceError {
    let transient = matches!(error, LogError::Unavailable(_));
    SourceError { message: error.to_string(), transient }
}
