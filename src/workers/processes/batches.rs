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
use crate::domain::certification::issuance::CertificateRevoked;
use crate::domain::certification::reactions;
use crate::domain::certification::reactions::{Issue, OfBatch};
use crate::domain::{BatchId, Decider, Refusal};
use crate::event_log::{Consistency, RecordedEvent};
use crate::workers::flow::{Input, ProcessesInput};
use crate::workers::retries::repeat;
use crate::workers::{Delivery, Verdict};

/// Number of people after which the dispatch checks for a request to stop the batch.
const PART: usize = 1_000;

/// Counts of a stopped batch.
#[derive(Default)]
struct Stopped {
    revoked: u32,
    kept: u32,
    /// Number of kept issuances with a mail that could not be stopped, because it is not queued yet
    /// or is being sent.
    unsettled: u32,
}

impl Processes {
    /// Issues certificates to all people until the batch is stopped.
    pub(super) async fn dispatch(
        &self,
        recorded: &RecordedEvent,
        id: BatchId,
        event: &BatchRequested,
    ) -> Result<(), CommandError> {
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
        for (n, part) in wanted.chunks(PART).enumerate() {
            let from = n * PART;
            let batch = self.commands.load_at::<Batch>(id, at).await?;
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
            for (wanted, issued) in issued {
                match issued {
                    Ok(Issued::New(_)) => outcome.requested += 1,
                    Ok(Issued::Existing(_)) => outcome.existing += 1,
                    Err(refusal) => outcome.refused.push(refused(&wanted, &refusal)),
                }
            }
        }
        let context = CommandContext::of_process(recorded, "batch-dispatch", 0);
        self.commands
            .execute::<Batch>(&context, id, BatchCommand::RecordDispatch(outcome))
            .await?;
        Ok(())
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
                self.dispatch_again(recorded).await?;
            }
            return Ok(Verdict::Done);
        };
        let (why, only_unfinished) = reactions::batch::on_stop(id, stop);
        let people: Vec<OfBatch> = reactions::batch::issued(id, request).collect();
        let stopped = self
            .withdraw_all(recorded, people, &why, only_unfinished)
            .await?;
        if stopped.unsettled > 0 {
            let why = format!(
                "{} mails are not queued yet or are being sent",
                stopped.unsettled
            );
            return Ok(Verdict::failed(&why));
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

    /// Repeats the dispatch of a batch that must be stopped, if the dispatch was given up or lost.
    /// Without an end of the dispatch, nothing may be stopped, because certificates may still be
    /// issued.
    async fn dispatch_again(&self, recorded: &RecordedEvent) -> Result<(), CommandError> {
        let log = self.commands.log();
        let request = log
            .first(Batch::AGGREGATE, &recorded.id, recorded.position)
            .await?;
        let worker = ProcessesInput::WORKER;
        if log.acknowledged(worker).await? >= request.position {
            repeat(log, worker, request.position).await?;
        }
        Ok(())
    }

    /// Revokes each issuance on its own. The reaction to each revocation cancels the mails.
    async fn withdraw_all(
        &self,
        recorded: &RecordedEvent,
        people: Vec<OfBatch>,
        why: &CertificateRevoked,
        only_unfinished: bool,
    ) -> Result<Stopped, CommandError> {
        let each = stream::iter(people.into_iter().enumerate()).map(|(n, person)| async move {
            let context = CommandContext::of_process(recorded, "batch-withdraw", n);
            let withdrawn =
                withdraw(&self.commands, &context, person, why, only_unfinished).await?;
            let Withdrawn::Kept(issuance) = withdrawn else {
                return Ok((withdrawn, Mails::Stopped));
            };
            let context = CommandContext::of_process(recorded, "batch-mail", n);
            let mails = stop_mails(
                &self.commands,
                &context,
                issuance,
                "the batch was cancelled",
            )
            .await?;
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
}

fn refused(wanted: &Issue, refusal: &Refusal) -> RefusedAttendee {
    RefusedAttendee {
        attendee_id: wanted.attendee_id,
        code: refusal.code().to_owned(),
    }
}
