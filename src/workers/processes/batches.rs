//! Reactions to events of batches: issuing certificates to all people of a batch, and withdrawing
//! them.

use futures_util::future::try_join;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{AT_ONCE, Processes};
use crate::commands::issue::{Issued, prepare};
use crate::commands::stop_mails::{Mails, stop_mails};
use crate::commands::withdraw::{Withdrawn, issued_by, withdraw};
use crate::commands::{CommandContext, CommandError};
use crate::domain::certification::batch::{
    Batch, BatchCancelled, BatchCommand, BatchDispatched, BatchRequested, BatchState, BatchUndone,
    RefusedAttendee,
};
use crate::domain::certification::issuance::{CertificateRevoked, Issuance};
use crate::domain::certification::mail::{Mail, MailCommand, MailDelivery};
use crate::domain::certification::reactions;
use crate::domain::certification::reactions::issuance::mail_about;
use crate::domain::certification::reactions::{Issue, OfBatch};
use crate::domain::{BatchId, Decider, IssuanceId, MailId, Refusal};
use crate::event_log::{Consistency, RecordedEvent};
use crate::workers::flow::{Input, ProcessesInput};
use crate::workers::pending::Progress;
use crate::workers::{Delivery, Verdict};

/// Number of people after which the dispatch checks for a request to stop the batch.
const PART: usize = 1_000;

/// Counts of a stopped batch.
#[derive(Default)]
struct Stopped {
    revoked: u32,
    kept: u32,
    /// Number of kept issuances with a mail that a worker is sending. It may fail and be sent again
    /// later, so it can't be ignored.
    unsettled: u32,
}

impl Processes {
    /// Issues certificates to all people until the batch is stopped.
    ///
    /// Two runs of one dispatch may overlap, because its delivery or timer may be repeated during
    /// the first run. The run that ends first records the dispatch. A stop may then withdraw
    /// everything while the other run still issues. So the other run also withdraws everything at
    /// its end. It cancels mails only if it has issued something. Otherwise all mails are older than
    /// the stop, which has cancelled them, or users have queued them since.
    pub(super) async fn dispatch(
        &self,
        recorded: &RecordedEvent,
        id: BatchId,
        event: &BatchRequested,
    ) -> Result<Verdict, CommandError> {
        let wanted: Vec<Issue> = reactions::batch::on_requested(id, event).collect();
        let people: Vec<OfBatch> = reactions::batch::issued(id, event).collect();
        let at = &Consistency::leader_after(recorded);
        let first = wanted.chunks(PART).next().unwrap_or_default();
        let mut prepared = prepare(&self.commands, first, at).await?;
        let mut outcome = BatchDispatched {
            requested: 0,
            existing: 0,
            refused: Vec::new(),
            left: 0,
        };
        let mut has_issued = false;
        for (n, part) in wanted.chunks(PART).enumerate() {
            let from = n * PART;
            let batch = self.commands.load_at::<Batch>(id, at).await?;
            if batch.state.is_dispatched {
                break;
            }
            if batch.state.stop.is_some() {
                self.leave(recorded, from, &people[from..], &mut outcome)
                    .await?;
                break;
            }
            // The data of the next part is loaded meanwhile.
            let next = wanted.chunks(PART).nth(n + 1).unwrap_or_default();
            let (issued, next) = try_join(
                self.issue_all(recorded, "batch", from, part, &prepared),
                prepare(&self.commands, next, at),
            )
            .await?;
            prepared = next;
            has_issued = true;
            for (wanted, issued) in issued {
                match issued {
                    Ok(Issued::New(_)) => outcome.requested += 1,
                    Ok(Issued::Existing(_)) => outcome.existing += 1,
                    Err(refusal) => outcome.refused.push(refused(&wanted, &refusal)),
                }
            }
        }
        let context = CommandContext::of_process(recorded, "batch-dispatch", 0);
        let done = self
            .commands
            .execute::<Batch>(&context, id, BatchCommand::RecordDispatch(outcome))
            .await?;
        if done.events.is_empty() || done.repeated {
            let batch = self.commands.load_at::<Batch>(id, at).await?;
            if let Some(stop) = batch.state.stop {
                let (why, only_unfinished) = reactions::batch::on_stop(id, &stop);
                let stopped =
                    self.withdraw_all(recorded, people, &why, only_unfinished, has_issued);
                return Ok(stopped.await?.verdict());
            }
        }
        Ok(Verdict::Done)
    }

    /// Counts the people who get no certificate because the batch was stopped. A worker that
    /// crashed may already have issued to some of `people`.
    async fn leave(
        &self,
        recorded: &RecordedEvent,
        from: usize,
        people: &[OfBatch],
        outcome: &mut BatchDispatched,
    ) -> Result<(), CommandError> {
        let found: Vec<_> = stream::iter(people.iter().copied().enumerate())
            .map(|(n, person)| async move {
                let context = CommandContext::of_process(recorded, "batch-left", from + n);
                issued_by(&self.commands, &context, person).await
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        for found in found {
            match found {
                Withdrawn::Kept(_) | Withdrawn::Revoked(_) => outcome.requested += 1,
                Withdrawn::Nothing { is_held: true } => outcome.existing += 1,
                Withdrawn::Nothing { is_held: false } => outcome.left += 1,
            }
        }
        Ok(())
    }

    /// Cancels or undoes a batch once its dispatch has ended. This function runs for the dispatch
    /// event and for the stop request. When it runs for the later one, the batch's state contains
    /// both.
    pub(super) async fn stop(
        &self,
        delivery: &Delivery,
        id: BatchId,
    ) -> Result<Verdict, CommandError> {
        let recorded = &delivery.event;
        let at = Consistency::leader_after(recorded);
        let batch = self.commands.load_at::<Batch>(id, &at).await?;
        let BatchState {
            request: Some(request),
            ..
        } = &batch.state
        else {
            return Ok(Verdict::Done);
        };
        let Some(stop) = batch.state.due() else {
            if batch.state.stop.is_some() && !batch.state.is_dispatched {
                return self.end_lost_dispatch(recorded, id, request).await;
            }
            return Ok(Verdict::Done);
        };
        let (why, only_unfinished) = reactions::batch::on_stop(id, stop);
        let people: Vec<OfBatch> = reactions::batch::issued(id, request).collect();
        let stopped = self
            .withdraw_all(recorded, people, &why, only_unfinished, true)
            .await?;
        if stopped.unsettled > 0 {
            return Ok(stopped.verdict());
        }
        let Stopped { revoked, kept, .. } = stopped;
        let end = if only_unfinished {
            BatchCommand::RecordCancelled(BatchCancelled { revoked, kept })
        } else {
            BatchCommand::RecordUndone(BatchUndone { revoked })
        };
        let context = CommandContext::of_process(recorded, "batch-stopped", 0);
        self.commands.execute::<Batch>(&context, id, end).await?;
        Ok(Verdict::Done)
    }

    /// Ends the dispatch of a batch that must be stopped, if the dispatch was given up or lost. The
    /// stop then follows from the end of the dispatch. Without that end, nothing may be stopped,
    /// because certificates may still be issued.
    async fn end_lost_dispatch(
        &self,
        recorded: &RecordedEvent,
        id: BatchId,
        request: &BatchRequested,
    ) -> Result<Verdict, CommandError> {
        let log = self.commands.log();
        let first = log
            .first(Batch::AGGREGATE, &recorded.id, recorded.position)
            .await?;
        let progress = Progress::of(log, ProcessesInput::WORKER).await?;
        if progress.awaits(log, first.position).await? {
            return Ok(Verdict::Done);
        }
        self.dispatch(&first, id, request).await
    }

    /// Revokes each issuance in a separate commit. The reaction to a revocation cancels its mails.
    /// If `with_mails`, the mails of kept issuances are cancelled here.
    async fn withdraw_all(
        &self,
        recorded: &RecordedEvent,
        people: Vec<OfBatch>,
        why: &CertificateRevoked,
        only_unfinished: bool,
        with_mails: bool,
    ) -> Result<Stopped, CommandError> {
        let each = stream::iter(people.into_iter().enumerate()).map(|(n, person)| async move {
            let context = CommandContext::of_process(recorded, "batch-withdraw", n);
            let withdrawn =
                withdraw(&self.commands, &context, person, why, only_unfinished).await?;
            let mails = match withdrawn {
                Withdrawn::Kept(issuance) if with_mails => {
                    self.stop_mails_of(recorded, n, issuance).await?
                }
                _ => Mails::Stopped,
            };
            Ok::<_, CommandError>((withdrawn, mails))
        });
        let mut stopped = Stopped::default();
        let mut each = each.buffer_unordered(AT_ONCE);
        while let Some((withdrawn, mails)) = each.try_next().await? {
            match withdrawn {
                Withdrawn::Nothing { .. } => {}
                Withdrawn::Revoked(_) => stopped.revoked += 1,
                Withdrawn::Kept(_) => {
                    stopped.kept += 1;
                    stopped.unsettled += u32::from(mails != Mails::Stopped);
                }
            }
        }
        Ok(stopped)
    }

    /// Cancels the mails about an issuance. If its first mail is not queued yet, queues and cancels
    /// it, so that no later event queues it.
    async fn stop_mails_of(
        &self,
        recorded: &RecordedEvent,
        n: usize,
        id: IssuanceId,
    ) -> Result<Mails, CommandError> {
        let why = "the batch was cancelled";
        let commands = &self.commands;
        let context = CommandContext::of_process(recorded, "batch-mail", n);
        let mails = stop_mails(commands, &context, id, why).await?;
        if mails != Mails::None {
            return Ok(mails);
        }
        let at = Consistency::leader_after(recorded);
        let issuance = commands.load_at::<Issuance>(id, &at).await?.state;
        let (Some(request), Some(pdf)) = (issuance.request, issuance.generated) else {
            return Ok(Mails::Stopped);
        };
        let held = MailDelivery::Held;
        let mail = mail_about(id, &request, &pdf, held, self.facts.on_unknown);
        let queue = MailCommand::Queue(Box::new(mail));
        let context = CommandContext::of_process(recorded, "batch-held-mail", n);
        commands
            .execute::<Mail>(&context, MailId::first_of(id), queue)
            .await?;
        let context = CommandContext::of_process(recorded, "batch-queued-mail", n);
        stop_mails(commands, &context, id, why).await
    }
}

impl Stopped {
    /// Returns the verdict: the work is repeated until all mails are settled.
    fn verdict(&self) -> Verdict {
        if self.unsettled == 0 {
            return Verdict::Done;
        }
        Verdict::failed(&format!("{} mails are being sent", self.unsettled))
    }
}

fn refused(wanted: &Issue, refusal: &Refusal) -> RefusedAttendee {
    RefusedAttendee {
        attendee_id: wanted.attendee_id,
        code: refusal.code().to_owned(),
    }
}
