//! A copy: projections filled anew beside the live tables, without touching any checkpoint.

use std::time::Duration;

use tokio::time::Instant;

use super::apply::apply;
use super::checkpoints::create_tables;
use super::maintenance::{Maintenance, MaintenanceError};
use super::set::{Member, search_path};
use super::source::EventReader;
use crate::database::DatabaseError;
use crate::event_log::{Position, RecordedEvent};

/// Events applied in one transaction.
const BATCH: usize = 5_000;
/// How long to wait for an event that must be there.
const WAIT: Duration = Duration::from_secs(1);

/// How far a long piece of work is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Events applied so far.
    pub events: u64,
    /// The log's position reached.
    pub position: Position,
    /// The position to reach; it may move on while the work runs.
    pub target: Position,
    /// Events applied per second, since the beginning.
    pub per_second: f64,
}

/// Projections being filled anew.
pub(super) struct Copy<'a> {
    maintenance: &'a Maintenance,
    /// Each with the schema it is filled in.
    members: Vec<(&'a Member, String)>,
    reader: Box<dyn EventReader>,
    /// Read and not yet applied.
    pending: Vec<RecordedEvent>,
    pub(super) position: Position,
    begun: Instant,
    events: u64,
}

impl<'a> Copy<'a> {
    /// Makes the schemas with their empty tables. They must not exist.
    pub(super) async fn create(
        maintenance: &'a Maintenance,
        members: Vec<(&'a Member, String)>,
    ) -> Result<Self, MaintenanceError> {
        let mut client = maintenance.pool.get().await.map_err(DatabaseError::from)?;
        let transaction = client.transaction().await.map_err(DatabaseError::from)?;
        for (member, schema) in &members {
            create_tables(&transaction, schema, &member.projection.tables_sql).await?;
        }
        transaction.commit().await.map_err(DatabaseError::from)?;
        let reader = maintenance.source.read_after(0);
        let (begun, pending) = (Instant::now(), Vec::new());
        Ok(Self { maintenance, members, reader, pending, position: 0, begun, events: 0 })
    }

    /// Applies events up to and including `target`, which is a position that the log has reached.
    pub(super) async fn advance_to(
        &mut self,
        target: Position,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), MaintenanceError> {
        while self.position < target {
            let events = self.next(|event| event.position <= target).await?;
            let Some(last) = events.last() else {
                // What follows is beyond the target: it named a position that the log skipped.
                self.position = target;
                return Ok(());
            };
            self.commit(&events).await?;
            self.position = last.position;
            self.events += events.len() as u64;
            let per_second = self.events as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
            progress(Progress { events: self.events, position: self.position, target, per_second });
        }
        Ok(())
    }

    /// Applies events up to the log's end, or to the last one before the first that `within` denies.
    pub(super) async fn advance_while(
        &mut self,
        within: impl Fn(&RecordedEvent) -> bool + Send + Sync,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), MaintenanceError> {
        let end = self.maintenance.source.info().await?.last_position;
        while self.position < end {
            let events = self.next(|event| event.position <= end && within(event)).await?;
            let Some(last) = events.last() else { return Ok(()) };
            self.commit(&events).await?;
            self.position = last.position;
            self.events += events.len() as u64;
            let per_second = self.events as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
            progress(Progress { events: self.events, position: self.position, target: end, per_second });
        }
        Ok(())
    }

    /// The next events that are `within`; none only where the next one is not.
    async fn next(
        &mut self,
        within: impl Fn(&RecordedEvent) -> bool + Send + Sync,
    ) -> Result<Vec<RecordedEvent>, MaintenanceError> {
        while self.pending.is_empty() {
            self.pending = self.reader.next_batch(BATCH, WAIT).await?;
            self.pending.retain(|event| event.position > self.position);
            if self.pending.is_empty() && self.maintenance.source.info().await?.last_position <= self.position
            {
                return Err(MaintenanceError::LogEnded { position: self.position });
            }
        }
        let count = self.pending.iter().take_while(|event| within(event)).count();
        let rest = self.pending.split_off(count);
        Ok(std::mem::replace(&mut self.pending, rest))
    }

    async fn commit(&self, events: &[RecordedEvent]) -> Result<(), MaintenanceError> {
        let mut client = self.maintenance.pool.get().await.map_err(DatabaseError::from)?;
        let transaction = client.transaction().await.map_err(DatabaseError::from)?;
        // A copy that a crash tears is thrown away; swapping it in waits for the disk.
        let settings = format!(
            "SET LOCAL synchronous_commit = off; SET LOCAL search_path = {}",
            search_path(self.members.iter().map(|(_, schema)| schema.as_str()))
        );
        transaction.batch_execute(&settings).await.map_err(DatabaseError::from)?;
        let projections: Vec<_> = self.members.iter().map(|(member, _)| &member.projection).collect();
        apply(&transaction, &projections, events).await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(())
    }

    /// Leaves a member's copy as it is from here on.
    pub(super) fn leave(&mut self, member: &Member) {
        self.members.retain(|(kept, _)| kept.projection.name != member.projection.name);
    }

    /// Makes the indexes that reading needs, now that the rows are there.
    pub(super) async fn create_indexes(&self) -> Result<(), MaintenanceError> {
        let mut client = self.maintenance.pool.get().await.map_err(DatabaseError::from)?;
        for (member, schema) in &self.members {
            let transaction = client.transaction().await.map_err(DatabaseError::from)?;
            let sql = format!(
                "SET LOCAL statement_timeout = 0; SET LOCAL search_path = \"{schema}\"; {}",
                member.projection.indexes_sql
            );
            transaction.batch_execute(&sql).await.map_err(DatabaseError::from)?;
            transaction.commit().await.map_err(DatabaseError::from)?;
        }
        Ok(())
    }
}
