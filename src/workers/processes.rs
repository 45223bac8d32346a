//! Carries out what the process managers want: events in, commands out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, stream};
use uuid::Uuid;

use super::{Delivery, Verdict, Worker};
use crate::commands::issue::{Issued, IssuingFacts, issue};
use crate::commands::{CommandContext, CommandError, Commands, Loaded};
use crate::domain::batch::{Batch, BatchCommand, BatchDispatched, BatchEvent, RefusedAttendee};
use crate::domain::certificate::{Certificate, Definition};
use crate::domain::email::{Email, EmailCommand};
use crate::domain::import::{Import, ImportEvent};
use crate::domain::issuance::{Issuance, IssuanceEvent};
use crate::domain::{CertificateId, Event, ImportId, IssuanceId, Refusal};
use crate::event_log::RecordedEvent;
use crate::process::{self, Issue};

/// How many commands of one event are under way at once; they share group commits.
const AT_ONCE: usize = 256;

/// The worker of all process managers.
pub struct Processes {
    commands: Commands,
    facts: IssuingFacts,
}

/// What became of each wanted issuance, in order.
type Outcomes = Vec<(Issue, Result<Issued, Refusal>)>;

impl Processes {
    /// One on a log, with what issuances pin.
    #[must_use]
    pub const fn new(commands: Commands, facts: IssuingFacts) -> Self {
        Self { commands, facts }
    }

    async fn react(&self, recorded: &RecordedEvent) -> Result<(), CommandError> {
        let Ok(id) = Uuid::parse_str(&recorded.id) else { return Ok(()) };
        match recorded.decode()? {
            Event::Batch(BatchEvent::BatchRequested(event)) => {
                let wanted = process::batch::on_requested(id.into(), &event).collect();
                let outcomes = self.issue_all(recorded, "batch", wanted).await?;
                self.record_dispatch(recorded, id, &outcomes).await
            }
            Event::Import(ImportEvent::ImportRowsAccepted(event)) => {
                if event.earned.is_empty() {
                    return Ok(());
                }
                let import = self.commands.load_beginning::<Import>(id).await?;
                let delivery = import.request.map(|request| request.delivery).unwrap_or_default();
                let wanted = process::import::on_rows_accepted(ImportId(id), &event, delivery).collect();
                let outcomes = self.issue_all(recorded, "import", wanted).await?;
                for (wanted, refusal) in outcomes.iter().filter_map(|(w, r)| r.as_ref().err().map(|r| (w, r)))
                {
                    tracing::warn!(import_id = %id, attendee_id = %wanted.attendee_id, code = refusal.code(), "not issued");
                }
                Ok(())
            }
            Event::Issuance(IssuanceEvent::CertificateGenerated(pdf)) => {
                let issuance = self.commands.load_beginning::<Issuance>(id).await?;
                let Some(request) = issuance.request else { return Ok(()) };
                let (email_id, mail) =
                    process::issuance::on_generated(IssuanceId(id), &request, &pdf, self.facts.on_unknown);
                let context = CommandContext::of_process(recorded, "mail", 0);
                let queue = EmailCommand::Queue(Box::new(mail));
                self.commands.execute_assuming::<Email>(&context, email_id, Loaded::new(), queue).await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn issue_all(
        &self,
        event: &RecordedEvent,
        name: &str,
        wanted: Vec<Issue>,
    ) -> Result<Outcomes, CommandError> {
        let definitions = self.definitions(&wanted).await?;
        let definitions = &definitions;
        // Until one is found that exists: then others will too, and looking first costs less than failing.
        let likely_new = &AtomicBool::new(true);
        let results: Vec<_> = stream::iter(wanted.into_iter().enumerate())
            .map(|(n, wanted)| async move {
                let Some(definition) = definitions.get(&wanted.certificate_id).and_then(Option::as_ref)
                else {
                    return Ok((wanted, Err(Refusal::NotFound("certificate"))));
                };
                let context = CommandContext::of_process(event, name, n);
                let new = likely_new.load(Ordering::Relaxed);
                match issue(&self.commands, &self.facts, &context, definition, wanted, new).await {
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

    async fn definitions(
        &self,
        wanted: &[Issue],
    ) -> Result<HashMap<CertificateId, Option<Definition>>, CommandError> {
        let mut definitions = HashMap::new();
        for issue in wanted {
            if let Entry::Vacant(vacant) = definitions.entry(issue.certificate_id) {
                vacant.insert(self.commands.load::<Certificate>(issue.certificate_id).await?.state.0);
            }
        }
        Ok(definitions)
    }

    async fn record_dispatch(
        &self,
        event: &RecordedEvent,
        id: Uuid,
        outcomes: &Outcomes,
    ) -> Result<(), CommandError> {
        let mut dispatched = BatchDispatched { requested: 0, existing: 0, refused: Vec::new() };
        for (wanted, outcome) in outcomes {
            match outcome {
                Ok(Issued::New(_)) => dispatched.requested += 1,
                Ok(Issued::Existing(_)) => dispatched.existing += 1,
                Err(refusal) => dispatched.refused.push(RefusedAttendee {
                    attendee_id: wanted.attendee_id,
                    code: refusal.code().to_owned(),
                }),
            }
        }
        let context = CommandContext::of_process(event, "batch-dispatch", 0);
        self.commands.execute::<Batch>(&context, id, BatchCommand::RecordDispatch(dispatched)).await?;
        Ok(())
    }
}

impl Worker for Processes {
    const NAME: &'static str = "processes";

    fn wants(event_type: &str) -> bool {
        matches!(event_type, "BatchRequested" | "ImportRowsAccepted" | "CertificateGenerated")
    }

    async fn work(&self, deliveries: &[Delivery]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            verdicts.push(match self.react(&delivery.event).await {
                Ok(()) => Verdict::Done,
                Err(CommandError::Refused(refusal)) => Verdict::GiveUp { why: refusal.code().to_owned() },
                Err(error) => Verdict::unavailable(delivery.attempt, &error),
            });
        }
        verdicts
    }
}
