//! Rebuild: a fresh copy beside the live tables, swapped in in one transaction; or kept beside them,
//! as of an earlier time.

use time::OffsetDateTime;

use super::checkpoints;
use super::copy::{Copy, Progress};
use super::maintenance::{Maintenance, MaintenanceError};
use super::set::Member;
use crate::database::DatabaseError;
use crate::event_log::{Position, RecordedEvent};

/// Up to where to rebuild.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// Up to the log's end as it is now.
    Now,
    /// Up to the last event before the first one that is later than this.
    Time(OffsetDateTime),
    /// Up to and including this position.
    Position(Position),
}

impl Maintenance {
    /// Fills these projections (all, where none is named) anew from the log and puts the copies in
    /// the place of the live tables. Readers see the old rows until they see the new ones; the
    /// projector waits only while the copies catch up with its last step.
    ///
    /// # Errors
    /// Another piece of maintenance is at work, a name is unknown, the log is not the one that the
    /// tables were filled from, a handler fails, or the database is not available. Nothing has
    /// changed then.
    pub async fn rebuild(
        &self,
        names: &[&str],
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<(), MaintenanceError> {
        let turn = self.take_turn().await?;
        let result = self.rebuild_all(names, &mut progress).await;
        turn.end().await?;
        result
    }

    async fn rebuild_all(
        &self,
        names: &[&str],
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), MaintenanceError> {
        for group in self.groups(names).await? {
            let copies = || {
                let suffixed = |suffix| group.iter().map(move |member| format!("{}_{suffix}", member.schema));
                suffixed("new").chain(suffixed("old"))
            };
            self.drop_schemas(copies()).await?;
            let rebuilt = self.rebuild_group(&group, progress).await;
            // After the swap these are the old tables; after a failure the unfinished copies.
            self.drop_schemas(copies()).await?;
            rebuilt?;
        }
        Ok(())
    }

    async fn rebuild_group(
        &self,
        group: &[&Member],
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), MaintenanceError> {
        let members = group.iter().map(|member| (*member, format!("{}_new", member.schema))).collect();
        let mut copy = Copy::create(self, members).await?;
        copy.advance_to(self.lowest(group).await?, progress).await?;
        copy.create_indexes().await?;
        // Once more without holding anybody up, so that little is left to do while the projector waits.
        copy.advance_to(self.lowest(group).await?, progress).await?;

        let mut client = self.pool.get().await.map_err(DatabaseError::from)?;
        let transaction = client.transaction().await.map_err(DatabaseError::from)?;
        let mut held = checkpoints::lock(&transaction, &self.set, group).await?;
        // Projections that have moved apart meanwhile are swapped in where they stand, one by one.
        held.sort_by_key(|checkpoint| checkpoint.position);
        for checkpoint in &held {
            copy.advance_to(checkpoint.position, progress).await?;
            let Some(member) = group.iter().find(|m| m.projection.name == checkpoint.projection) else {
                continue;
            };
            let live = &member.schema;
            let swap = format!(
                "ALTER SCHEMA \"{live}\" RENAME TO \"{live}_old\"; ALTER SCHEMA \"{live}_new\" RENAME TO \"{live}\";"
            );
            if copy.position != checkpoint.position {
                return Err(MaintenanceError::LogEnded { position: copy.position });
            }
            transaction.batch_execute(&swap).await.map_err(DatabaseError::from)?;
            copy.leave(member);
        }
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(())
    }

    /// The position that all of these have reached.
    pub(super) async fn lowest(&self, members: &[&Member]) -> Result<Position, MaintenanceError> {
        let found = self.checkpoints(members).await?;
        Ok(found.iter().map(|checkpoint| checkpoint.position).min().unwrap_or(0))
    }

    /// Fills all projections from the log into a schema of its own, as of a time or position: the
    /// state as of then, to be read with `SET search_path`. Gives the last position it contains.
    ///
    /// # Errors
    /// The schema exists or isn't a plain name, a handler fails, or the database is not available.
    /// The schema is not there then.
    pub async fn rebuild_into(
        &self,
        schema: &str,
        until: Until,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Position, MaintenanceError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if !(1..=63).contains(&schema.len())
            || !schema.bytes().all(plain)
            || self.schema_exists(schema).await?
        {
            return Err(MaintenanceError::BadSchema(schema.to_owned()));
        }
        let within = |event: &RecordedEvent| match until {
            Until::Now => true,
            Until::Time(time) => event.time <= time,
            Until::Position(position) => event.position <= position,
        };
        let filled = async {
            let members = self.set.members().iter().map(|member| (member, schema.to_owned())).collect();
            let mut copy = Copy::create(self, members).await?;
            copy.advance_while(within, &mut progress).await?;
            copy.create_indexes().await?;
            Ok(copy.position)
        };
        let result = filled.await;
        if result.is_err() {
            self.drop_schemas([schema.to_owned()]).await?;
        }
        result
    }

    async fn schema_exists(&self, schema: &str) -> Result<bool, DatabaseError> {
        let client = self.pool.get().await?;
        let sql = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
        Ok(client.query_one(sql, &[&schema]).await?.try_get(0)?)
    }
}
