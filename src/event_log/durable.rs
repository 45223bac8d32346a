//! Durable consumers: opening a consumer, and a loop that handles each message separately.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::jetstream::context::{ConsumerInfoError, ConsumerInfoErrorKind};
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{EventLog, LogError, Position};

/// Delay before a lost consumer is opened again.
pub const REOPEN_AFTER: Duration = Duration::from_millis(500);

/// Name of a durable consumer, as in `nats/consumers/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durable<'n> {
    /// Name of the stream, without the namespace.
    pub stream: &'n str,
    /// Name of the consumer.
    pub name: &'n str,
}

impl EventLog {
    /// Opens a durable consumer that was provisioned.
    ///
    /// # Errors
    /// [`LogError::NotProvisioned`] if the stream doesn't exist; [`LogError::Unavailable`] if the
    /// consumer doesn't exist or the server is unreachable.
    pub async fn open_durable(&self, durable: Durable<'_>) -> Result<PullConsumer, LogError> {
        let Durable { stream, name } = durable;
        let stream = self
            .context()
            .get_stream(self.names().stream(stream))
            .await?;
        stream.get_consumer(name).await.map_err(|error| {
            let kind = error
                .downcast_ref::<ConsumerInfoError>()
                .map(ConsumerInfoError::kind);
            LogError::Unavailable(match kind {
                Some(ConsumerInfoErrorKind::NotFound) => {
                    format!("the consumer {name} does not exist; run `laureate provision`")
                }
                _ => error.to_string(),
            })
        })
    }

    /// Returns the position up to which a worker has acknowledged all events that it gets.
    ///
    /// # Errors
    /// See [`Self::open_durable`].
    pub async fn acknowledged(&self, worker: &str) -> Result<Position, LogError> {
        let stream = "EVENTS";
        let name = worker;
        self.ack_floor(Durable { stream, name }).await
    }

    /// Returns the position up to which a durable consumer has acknowledged all messages.
    ///
    /// # Errors
    /// See [`Self::open_durable`].
    pub async fn ack_floor(&self, durable: Durable<'_>) -> Result<Position, LogError> {
        let consumer = self.open_durable(durable).await?;
        Ok(consumer.cached_info().ack_floor.stream_sequence)
    }

    /// Handles the messages of a durable consumer until `shutdown` is cancelled. It then waits
    /// until the running handlers have ended. Each message is acknowledged with the result of its
    /// handler.
    ///
    /// At most `concurrency` messages are handled at the same time. After a lost connection, the
    /// consumer is opened again.
    ///
    /// # Errors
    /// [`LogError::NotProvisioned`] if the stream doesn't exist.
    pub async fn handle_messages<F>(
        &self,
        durable: Durable<'static>,
        concurrency: usize,
        shutdown: &CancellationToken,
        handle: impl Fn(Message) -> F,
    ) -> Result<(), LogError>
    where
        F: Future<Output = AckKind> + Send + 'static,
    {
        let permits = Arc::new(Semaphore::new(concurrency));
        let tasks = TaskTracker::new();
        while !shutdown.is_cancelled() {
            match self.messages(durable).await {
                Ok(mut messages) => loop {
                    let permit = permits.clone().acquire_owned();
                    let Some(Ok(permit)) = shutdown.run_until_cancelled(permit).await else {
                        break;
                    };
                    let Some(Some(Ok(message))) =
                        shutdown.run_until_cancelled(messages.next()).await
                    else {
                        break;
                    };
                    let handled = handle(message.clone());
                    tasks.spawn(async move {
                        acknowledge(durable, &message, handled.await).await;
                        drop(permit);
                    });
                },
                Err(error @ LogError::NotProvisioned) => return Err(error),
                Err(error) => {
                    tracing::warn!(consumer = durable.name, %error, "consumer unavailable, retrying");
                }
            }
            shutdown
                .run_until_cancelled(tokio::time::sleep(REOPEN_AFTER))
                .await;
        }
        tasks.close();
        tasks.wait().await;
        Ok(())
    }

    async fn messages(&self, durable: Durable<'_>) -> Result<pull::Stream, LogError> {
        let consumer = self.open_durable(durable).await?;
        consumer
            .messages()
            .await
            .map_err(|error| LogError::Unavailable(error.to_string()))
    }
}

async fn acknowledge(durable: Durable<'static>, message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        let consumer = durable.name;
        tracing::warn!(consumer, %error, "cannot send acknowledgement, message will be redelivered");
    }
}
