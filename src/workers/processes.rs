//! Worker that runs the process managers. They turn events into commands.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, stream};
use uuid::Uuid;

use super::flow::ProcessesInput;
use super::{Delivery, SingleDelivery, Verdict};
use crate::commands::import_batches::{recorded_batches, request_batch};
use crate::commands::issue::{Issued, IssuingFacts, issue};
use crate::commands::stop_mails::{is_revoked, stop_mails};
use crate::commands::{CommandContext, CommandError, Commands, Loaded};
use crate::domain::certification::certificate::{Certificate, Definition};
use crate::domain::certification::import::Import;
use crate::domain::certification::issuance::{CertificateGenerated, Issuance};
use crate::domain::certification::mail::{Mail, MailCommand};
use crate::domain::certification::reactions;
use crate::domain::certification::reactions::Issue;
use crate::domain::{CertificateId, ImportId, IssuanceId, Refusal};
use crate::event_log::RecordedEvent;

mod batches;

/// Maximum number of concurrent commands for one event. They share group commits.
const AT_ONCE: usize = 256;

/// Worker for all process managers.
pub struct Processes {
    commands: Commands,
    facts: IssuingFacts,
}

/// Definitions by certificate id. The value is `None` for an undefined certificate.
type Definitions = HashMap<CertificateId, Option<Definition>>;

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
        let Some(asked) = self.commands.load_beginning::<Import>(id).await?.request else {
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
        let (begun, revoked) = tokio::try_join!(
            self.commands.load_beginning::<Issuance>(id),
            is_revoked(&self.commands, id),
        )?;
        let (Some(request), false) = (begun.request, revoked) else {
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
        definitions: &Definitions,
    ) -> Result<Outcomes, CommandError> {
        // Assumes that all issuances are new until one of them exists. After that, others probably
        // exist, too, and loading each one first is cheaper than having its commit rejected.
        let likely_new = &AtomicBool::new(true);
        let results: Vec<_> = stream::iter(wanted.iter().cloned().enumerate())
            .map(|(n, wanted)| async move {
                let Some(definition) = definitions
                    .get(&wanted.certificate_id)
                    .and_then(Option::as_ref)
                else {
                    return Ok((wanted, Err(Refusal::NotFound("certificate"))));
                };
                let context = CommandContext::of_process(event, name, from + n);
                let new = likely_new.load(Ordering::Relaxed);
                match issue(
                    &self.commands,
                    &self.facts,
                    &context,
                    definition,
                    wanted.clone(),
                    new,
                )
                .await
                {
                    Ok(issued) => {
                        if matches!(issued, Issued::Existing(_)) {
                            likely_new.store(false, Ordering::Relaxed);
                        }
                        Ok((wanted, Ok(issued)))
                    }
                    Err(CommandError::Refused(refusal)) => Ok((wanted, Err(refusal))),
                    Err(error) => Err(error),
                }
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        results.into_iter().collect()
    }

    async fn definitions(&self, wanted: &[Issue]) -> Result<Definitions, CommandError> {
        let mut definitions = HashMap::new();
        for issue in wanted {
            if let Entry::Vacant(vacant) = definitions.entry(issue.certificate_id) {
                vacant.insert(
                    self.commands
                        .load::<Certificate>(issue.certificate_id)
                        .await?
                        .state
                        .0,
                );
            }
        }
        Ok(definitions)
    }
}

impl SingleDelivery for Processes {
    type Input = ProcessesInput;

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
                self.dispatch(recorded, id.into(), &event).await?
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
