//! Worker that runs the process managers. They turn events into commands.

use futures_util::{StreamExt, stream};
use uuid::Uuid;

use super::flow::ProcessesInput;
use super::{Delivery, SingleDelivery, Verdict};
use crate::commands::import_batches::{recorded_batches, request_batch};
use crate::commands::issue::{Issued, IssuingFacts, Prepared, issue};
use crate::commands::stop_mails::stop_mails;
use crate::commands::{CommandContext, CommandError, Commands, Loaded};
use crate::domain::certification::import::Import;
use crate::domain::certification::issuance::{CertificateGenerated, Issuance, IssuanceStatus};
use crate::domain::certification::mail::{Mail, MailCommand};
use crate::domain::certification::reactions;
use crate::domain::certification::reactions::Issue;
use crate::domain::{ImportId, IssuanceId, Refusal};
use crate::event_log::{Consistency, RecordedEvent};

mod batches;

/// Maximum number of concurrent commands for one event. They share group commits.
const AT_ONCE: usize = 256;

/// Worker for all process managers.
pub struct Processes {
    commands: Commands,
    facts: IssuingFacts,
}

/// Outcomes of the wanted issuances, in order.
type Outcomes = Vec<(Issue, Result<Issued, Refusal>)>;

impl Processes {
    /// Creates a worker that executes `commands`. Issuances store the values in `facts`.
    #[must_use]
    pub const fn new(commands: Commands, facts: IssuingFacts) -> Self {
        Self { commands, facts }
    }

    /// Requests the batches of a failed import, so that the people of its accepted rows get their
    /// certificates. For a completed import, the importer itself requests the batches.
    async fn request_batches(
        &self,
        recorded: &RecordedEvent,
        id: ImportId,
    ) -> Result<(), CommandError> {
        let at = Consistency::after(recorded);
        let import = self.commands.load_at::<Import>(id, &at).await?;
        let Some(asked) = import.state.request else {
            return Ok(());
        };
        let (_, batches) = recorded_batches(&self.commands, id, &asked, recorded.position).await?;
        for (n, batch) in batches.into_iter().enumerate() {
            let context = CommandContext::of_process(recorded, "import-batch", n);
            request_batch(&self.commands, &context, batch).await?;
        }
        Ok(())
    }

    /// Queues the mail with the PDF, unless the certificate has been revoked. If it is revoked at
    /// the same moment, the reaction to `CertificateRevoked` cancels the mail, or the mailer
    /// doesn't send it.
    async fn queue_mail(
        &self,
        recorded: &RecordedEvent,
        id: IssuanceId,
        pdf: &CertificateGenerated,
    ) -> Result<(), CommandError> {
        let at = Consistency::after(recorded);
        let issuance = self.commands.load_at::<Issuance>(id, &at).await?.state;
        let status = issuance.status();
        let (Some(request), IssuanceStatus::Generated) = (issuance.request, status) else {
            return Ok(());
        };
        let (mail_id, mail) =
            reactions::issuance::on_generated(id, &request, pdf, self.facts.on_unknown);
        let context = CommandContext::of_process(recorded, "mail", 0);
        let queue = MailCommand::Queue(Box::new(mail));
        self.commands
            .execute_assuming::<Mail>(&context, mail_id, Loaded::new(), queue)
            .await?;
        Ok(())
    }

    /// Issues all of `wanted`. `from` is the index of the first one among all issuances of the
    /// event.
    async fn issue_all(
        &self,
        event: &RecordedEvent,
        name: &str,
        from: usize,
        wanted: &[Issue],
        prepared: &Prepared,
    ) -> Result<Outcomes, CommandError> {
        let results: Vec<_> = stream::iter(wanted.iter().cloned().enumerate())
            .map(|(n, wanted)| async move {
                let context = CommandContext::of_process(event, name, from + n);
                match issue(
                    &self.commands,
                    &self.facts,
                    &context,
                    prepared,
                    wanted.clone(),
                )
                .await
                {
                    Ok(issued) => Ok((wanted, Ok(issued))),
                    Err(CommandError::Refused(refusal)) => Ok((wanted, Err(refusal))),
                    Err(error) => Err(error),
                }
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        results.into_iter().collect()
    }
}

impl SingleDelivery for Processes {
    type Input = ProcessesInput;
    // The commands have the same ids when they are repeated.
    const IS_STOPPABLE: bool = true;

    async fn handle(
        &self,
        delivery: &Delivery,
        input: ProcessesInput,
    ) -> Result<Verdict, CommandError> {
        let recorded = &delivery.event;
        let Ok(id) = Uuid::parse_str(&recorded.id) else {
            return Ok(Verdict::Done);
        };
        match input {
            ProcessesInput::BatchRequested(event) => {
                return self.dispatch(recorded, id.into(), &event).await;
            }
            ProcessesInput::BatchDispatched(_)
            | ProcessesInput::BatchCancelRequested(_)
            | ProcessesInput::BatchUndoRequested(_) => return self.stop(delivery, id.into()).await,
            ProcessesInput::ImportFailed(_) => self.request_batches(recorded, ImportId(id)).await?,
            ProcessesInput::CertificateGenerated(pdf) => {
                self.queue_mail(recorded, IssuanceId(id), &pdf).await?;
            }
            ProcessesInput::CertificateRevoked(_) => {
                let context = CommandContext::of_process(recorded, "revoked", 0);
                stop_mails(
                    &self.commands,
                    &context,
                    IssuanceId(id),
                    "the certificate was revoked",
                )
                .await?;
            }
        }
        Ok(Verdict::Done)
    }

    /// Process managers have no outcome event, so only the dead letter is stored.
    async fn abandon(&self, _delivery: &Delivery, _why: &str) -> Result<(), CommandError> {
        Ok(())
    }
}
