//! The event log: connecting to it, and how projections see it.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::config::Config;
use crate::event_log::{self, EventLog, LogError, LogInfo, LogReader, Names, Position, RecordedEvent};
use crate::projection::{EventReader, LogSource, SourceError};

/// How long the log's server may take to be there when a process starts.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// Connects to the log alone, for those who need nothing else.
///
/// # Errors
/// The server can't be reached.
pub async fn connect_log(config: &Config) -> anyhow::Result<EventLog> {
    let names = Names::new(&config.namespace)?;
    Ok(EventLog::new(event_log::connect(config.nats.address(), CONNECT_WITHIN).await?, names))
}

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
