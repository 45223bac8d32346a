//! Copy of projections: new tables beside the live ones, filled from the log. Checkpoints are not
//! changed.
//!
//! Several projections are filled at the same time, each in a separate transaction that also stores
//! its position. The next batch is read in the meantime.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::copy_schema::{self, Purpose};
use super::maintenance::{Maintenance, MaintenanceError};
use super::progress::Progress;
use crate::database::DatabaseError;
use crate::event_log::{Position, RecordedEvent};
use crate::projection::runner::apply::{SETTINGS, apply};
use crate::projection::runner::read_ahead::ReadAhead;
use crate::projection::set::Member;

/// Maximum number of events in one transaction.
const BATCH: usize = 10_000;
/// Maximum time to wait for an event in one read.
const WAIT: Duration = Duration::from_secs(1);

/// Copy of several projections.
pub(in crate::projection) struct Copy<'a> {
    maintenance: &'a Maintenance,
    members: Vec<Filling<'a>>,
    ahead: ReadAhead,
    /// Events that were read but not applied yet.
    pending: Vec<RecordedEvent>,
    /// Position of the last event that all members contain.
    pub(in crate::projection) position: Position,
    from: Position,
    begun: Instant,
    events: u64,
}

/// One projection of a copy.
struct Filling<'a> {
    member: &'a Member,
    schema: String,
    /// Position of the last event that its rows contain.
    position: Position,
    finished: bool,
}

impl<'a> Copy<'a> {
    /// Opens a copy of these members, each in the given schema. Resumes an earlier copy of a member
    /// if it has the same fingerprint and purpose. Otherwise, creates empty tables.
    pub(in crate::projection) async fn open(
        maintenance: &'a Maintenance,
        members: Vec<(&'a Member, String)>,
        purpose: &Purpose,
    ) -> Result<Self, MaintenanceError> {
        let log = maintenance.source.info().await?;
        let mut client = maintenance.pool.get().await.map_err(DatabaseError::from)?;
        let mut filling = Vec::new();
        for (member, schema) in members {
            let transaction = client.transaction().await.map_err(DatabaseError::from)?;
            let (position, finished) =
                match copy_schema::note(&transaction, &schema, member).await? {
                    Some(note) if note.fits(&log, purpose) => (note.position, note.finished),
                    _ => {
                        if !filling
                            .iter()
                            .any(|other: &Filling<'_>| other.schema == schema)
                        {
                            copy_schema::drop(&transaction, &schema).await?;
                        }
                        copy_schema::create(&transaction, &schema, member, &log, purpose).await?;
                        (0, false)
                    }
                };
            transaction.commit().await.map_err(DatabaseError::from)?;
            filling.push(Filling {
                member,
                schema,
                position,
                finished,
            });
        }
        let from = filling
            .iter()
            .map(|filling| filling.position)
            .min()
            .unwrap_or(0);
        let ahead = ReadAhead::start(maintenance.source.read_after(from), BATCH, WAIT);
        let begun = Instant::now();
        let pending = Vec::new();
        Ok(Self {
            maintenance,
            members: filling,
            ahead,
            pending,
            position: from,
            from,
            begun,
            events: 0,
        })
    }

    /// Applies events up to and including `target`. The log must have reached this position.
    pub(in crate::projection) async fn advance_to(
        &mut self,
        target: Position,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), MaintenanceError> {
        progress(self.progress(target));
        while self.position < target {
            let events = self.next(|event| event.position <= target).await?;
            // The log has no event at `target`, and the next one is beyond it.
            let Some(last) = events.last() else {
                return self.skip_to(target).await;
            };
            self.commit(&events, last.position).await?;
            progress(self.progress(target));
        }
        Ok(())
    }

    /// Applies events up to the end of the log, or until `within` returns false for an event.
    pub(in crate::projection) async fn advance_while(
        &mut self,
        within: impl Fn(&RecordedEvent) -> bool + Send + Sync,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), MaintenanceError> {
        let end = self.maintenance.source.info().await?.last_position;
        progress(self.progress(end));
        while self.position < end {
            let events = self
                .next(|event| event.position <= end && within(event))
                .await?;
            let Some(last) = events.last() else {
                return Ok(());
            };
            self.commit(&events, last.position).await?;
            progress(self.progress(end));
        }
        Ok(())
    }

    fn progress(&self, target: Position) -> Progress {
        let from = self.from;
        let position = self.position;
        let events = self.events;
        Progress {
            from,
            position,
            target,
            events,
            elapsed: self.begun.elapsed(),
        }
    }

    /// Returns the next events for which `within` returns true. The result is empty only if
    /// `within` returns false for the first of them.
    async fn next(
        &mut self,
        within: impl Fn(&RecordedEvent) -> bool + Send + Sync,
    ) -> Result<Vec<RecordedEvent>, MaintenanceError> {
        while self.pending.is_empty() {
            self.pending = self.ahead.next().await?;
            self.pending.retain(|event| event.position > self.position);
            if self.pending.is_empty()
                && self.maintenance.source.info().await?.last_position <= self.position
            {
                return Err(MaintenanceError::LogEnded {
                    position: self.position,
                });
            }
        }
        let count = self
            .pending
            .iter()
            .take_while(|event| within(event))
            .count();
        let rest = self.pending.split_off(count);
        Ok(std::mem::replace(&mut self.pending, rest))
    }

    /// Applies a batch to all members, starting with the members that handle the most events. `to`
    /// is their new position.
    async fn commit(
        &mut self,
        events: &[RecordedEvent],
        to: Position,
    ) -> Result<(), MaintenanceError> {
        let mut work: Vec<_> = self
            .members
            .iter_mut()
            .filter(|filling| filling.position < to)
            .map(|filling| {
                let fresh =
                    &events[events.partition_point(|event| event.position <= filling.position)..];
                let projection = &filling.member.projection;
                let handled = fresh
                    .iter()
                    .filter(|event| projection.handler(&event.event_type).is_some())
                    .count();
                (handled, filling, fresh)
            })
            .collect();
        work.sort_by_key(|(handled, ..)| std::cmp::Reverse(*handled));
        let maintenance = self.maintenance;
        let filled = work
            .into_iter()
            .map(|(_, filling, fresh)| filling.fill(maintenance, fresh, to));
        stream::iter(filled)
            .buffer_unordered(maintenance.lanes())
            .try_collect::<()>()
            .await?;
        self.position = to;
        self.events += events.len() as u64;
        Ok(())
    }

    async fn skip_to(&mut self, to: Position) -> Result<(), MaintenanceError> {
        self.commit(&[], to).await
    }

    /// Removes a member from the copy. The copy no longer changes its tables.
    pub(in crate::projection) fn leave(&mut self, member: &Member) {
        self.members
            .retain(|kept| kept.member.projection.name != member.projection.name);
    }

    /// Converts the filled tables to regular tables, which are logged and indexed. This happens
    /// once per member, even if more events are applied later.
    pub(in crate::projection) async fn finish(&mut self) -> Result<(), MaintenanceError> {
        let maintenance = self.maintenance;
        let unfinished = self.members.iter_mut().filter(|filling| !filling.finished);
        let finished = unfinished.map(|filling| filling.finish(maintenance));
        Ok(stream::iter(finished)
            .buffer_unordered(maintenance.lanes())
            .try_collect::<()>()
            .await?)
    }
}

impl Filling<'_> {
    async fn fill(
        &mut self,
        maintenance: &Maintenance,
        events: &[RecordedEvent],
        to: Position,
    ) -> Result<(), MaintenanceError> {
        let mut client = maintenance.pool.get().await.map_err(DatabaseError::from)?;
        let transaction = client.transaction().await.map_err(DatabaseError::from)?;
        let settings = format!("{SETTINGS} SET LOCAL search_path = \"{}\"", self.schema);
        transaction
            .batch_execute(&settings)
            .await
            .map_err(DatabaseError::from)?;
        apply(&transaction, &[&self.member.projection], events).await?;
        copy_schema::advance(&transaction, self.member, to).await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        self.position = to;
        Ok(())
    }

    async fn finish(&mut self, maintenance: &Maintenance) -> Result<(), DatabaseError> {
        let mut client = maintenance.pool.get().await?;
        let transaction = client.transaction().await?;
        copy_schema::finish(&transaction, &self.schema, self.member).await?;
        transaction.commit().await?;
        self.finished = true;
        Ok(())
    }
}
