//! Max-deliveries advisories: the server publishes one if an event's last delivery was not
//! acknowledged.
//!
//! A worker that crashed on the last attempt can't record an outcome. [`MaxDeliveriesConsumer`]
//! records the outcome event and stores the dead letter instead.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::AckKind;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::Delivery;
use super::dead_letter::{DeadLetter, keep};
use super::flow::{ImporterInput, Input, MailerInput, NotifierInput, RendererInput};
use crate::commands::{CommandContext, CommandError, Commands};
use crate::domain::accounts::notice::{Notice, NoticeCommand, NoticeFailed};
use crate::domain::certification::import::{Import, ImportCommand, ImportFailed};
use crate::domain::certification::issuance::{
    CertificateGenerationFailed, Issuance, IssuanceCommand,
};
use crate::domain::certification::mail::{Mail, MailCommand};
use crate::event_log::{Durable, LogError, Position, RecordedEvent};

/// Delay before the redelivery of an advisory that could not be processed.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Fields of a max-deliveries advisory (`io.nats.jetstream.advisory.v1.max_deliver`) that are used
/// here.
#[derive(Deserialize)]
struct Advisory {
    consumer: String,
    stream_seq: Position,
    deliveries: u32,
}

/// Consumer of max-deliveries advisories. For each advisory, it records the outcome event and then
/// stores the dead letter.
pub struct MaxDeliveriesConsumer {
    commands: Commands,
}

impl MaxDeliveriesConsumer {
    /// Creates a consumer that executes `commands`.
    #[must_use]
    pub const fn new(commands: Commands) -> Self {
        Self { commands }
    }

    /// Runs until `shutdown` is cancelled. It then waits until the running command has ended.
    ///
    /// # Errors
    /// [`LogError::NotProvisioned`] if the stream of advisories doesn't exist.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), LogError> {
        let durable = Durable {
            stream: "ADVISORIES",
            name: "deadletters",
        };
        let consumer = Arc::new(self);
        let log = consumer.commands.log();
        let handle = |message: async_nats::jetstream::Message| {
            let consumer = consumer.clone();
            async move { consumer.acknowledgement(&message.payload).await }
        };
        log.handle_messages(durable, 1, &shutdown, handle).await
    }

    async fn acknowledgement(&self, payload: &[u8]) -> AckKind {
        match self.process(payload).await {
            Ok(()) => AckKind::Ack,
            Err(error) => {
                tracing::error!(%error, "cannot handle advisory, retrying");
                AckKind::Nak(Some(AGAIN_AFTER))
            }
        }
    }

    async fn process(&self, payload: &[u8]) -> Result<(), CommandError> {
        let Ok(advisory) = serde_json::from_slice::<Advisory>(payload) else {
            tracing::error!("advisory is not readable, skipped");
            return Ok(());
        };
        let log = self.commands.log();
        let batch = log
            .read_after(advisory.stream_seq - 1)
            .next_batch(1, Duration::from_secs(5))
            .await?;
        let Some(event) = batch
            .into_iter()
            .find(|event| event.position == advisory.stream_seq)
        else {
            return Err(LogError::Unavailable(
                "the event of an advisory was not received in time".to_owned(),
            )
            .into());
        };
        self.record_outcome(&advisory.consumer, &event).await?;
        let delivery = Delivery {
            event,
            attempt: advisory.deliveries,
        };
        let cause = "each delivery failed: the worker crashed or requested a redelivery";
        keep(log, &DeadLetter::of(&advisory.consumer, &delivery, cause)).await?;
        Ok(())
    }

    async fn record_outcome(
        &self,
        worker: &str,
        event: &RecordedEvent,
    ) -> Result<(), CommandError> {
        let context = CommandContext::of_process(event, "deadletters", 0);
        let why = "all attempts of the worker failed without an outcome";
        match worker {
            RendererInput::WORKER => {
                let failure = CertificateGenerationFailed {
                    code: "WORKER_STOPPED".to_owned(),
                    reason: why.to_owned().into(),
                };
                self.commands
                    .execute::<Issuance>(
                        &context,
                        &event.id,
                        IssuanceCommand::RecordFailure(failure),
                    )
                    .await?;
            }
            MailerInput::WORKER => {
                let abandon = MailCommand::Abandon {
                    why: why.to_owned(),
                };
                self.commands
                    .execute::<Mail>(&context, &event.id, abandon)
                    .await?;
            }
            NotifierInput::WORKER => {
                let failed = NoticeFailed {
                    answer: why.to_owned().into(),
                };
                let record = NoticeCommand::RecordFailure(failed);
                self.commands
                    .execute::<Notice>(&context, &event.id, record)
                    .await?;
            }
            ImporterInput::WORKER => {
                let failed = ImportFailed {
                    code: "WORKER_STOPPED".to_owned(),
                    reason: why.to_owned(),
                };
                self.commands
                    .execute::<Import>(&context, &event.id, ImportCommand::Fail(failed))
                    .await?;
            }
            // Process managers have no outcome event, so only the dead letter is stored.
            _ => {}
        }
        Ok(())
    }
}
