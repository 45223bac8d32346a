//! The event log: connecting to it, and how projections see it.

use std::time::Duration;

use anyhow::anyhow;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::config::Config;
use crate::event_log::{EventLog, LogError, LogInfo, LogReader, Names, Position, RecordedEvent};
use crate::projection::{EventReader, LogSource, SourceError};

/// How long the log's server may take to be there when a process starts.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

pub(super) async fn connect_log(config: &Config) -> anyhow::Result<EventLog> {
    let names = Names::new(&config.namespace)?;
    let servers = config.nats.url.reveal().split(',');
    let servers: Vec<async_nats::ServerAddr> = servers
        .map(|server| server.trim().parse())
        .collect::<Result<_, _>>()
        .map_err(|_| anyhow!("nats.url is not usable; give nats://user:password@host:port"))?;
    let mut options =
        async_nats::ConnectOptions::new().name("laureate").request_timeout(Some(CONNECT_WITHIN));
    // async-nats does not take user and password from the address by itself.
    if let Some((user, password)) = servers.iter().find_map(|s| s.username().zip(s.password())) {
        options = options.user_and_password(user.to_owned(), password.to_owned());
    }
    let connecting = tokio::time::timeout(CONNECT_WITHIN, options.connect(servers));
    let client = match connecting.await {
        Ok(client) => client.map_err(|error| anyhow!("the event log's server is not available: {error}"))?,
        Err(_) => return Err(anyhow!("the event log's server did not answer within {CONNECT_WITHIN:?}")),
    };
    Ok(EventLog::new(client, names))
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
