//! Rebuild: a fresh copy beside the live tables, swapped in in one transaction. A rebuild that is
//! broken off goes on where its copy stands when it is called again.

use deadpool_postgres::Transaction;

use super::checkpoints;
use super::copy::Copy;
use super::copy_schema::{self, Purpose};
use super::maintenance::{Absent, Maintenance, MaintenanceError};
use super::progress::Progress;
use super::set::Member;
use crate::database::DatabaseError;
use crate::event_log::Position;

impl Maintenance {
    /// Fills these projections (all, where none is named) anew from the log and puts the copies in
    /// the place of the live tables. Readers see the old rows until they see the new ones; the
    /// projector waits only while the copies catch up with its last step. A projection that no
    /// projector has begun yet is built, and is live afterwards.
    ///
    /// # Errors
    /// Another piece of maintenance is at work, a name is unknown, a projector is still building it,
    /// the log is not the one that the tables were filled from, a handler fails, or the database is
    /// not available. Live tables are as they were then; the copy stays, to go on from, unless a
    /// handler failed.
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

    /// Drops what a rebuild of these projections that was broken off has left (all, where none is
    /// named), so that the next one begins anew.
    ///
    /// # Errors
    /// Another piece of maintenance is at work, a name is unknown, or the database is not available.
    pub async fn discard_copies(&self, names: &[&str]) -> Result<(), MaintenanceError> {
        let members = self.set.select(names)?;
        let turn = self.take_turn().await?;
        let dropped = self.drop_schemas(members.iter().map(|member| member.copy("new"))).await;
        turn.end().await?;
        Ok(dropped?)
    }

    async fn rebuild_all(
        &self,
        names: &[&str],
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), MaintenanceError> {
        for group in self.groups(names, Absent::Built).await? {
            let of = |kind: &'static str| group.iter().map(move |member| member.copy(kind));
            self.drop_schemas(of("old")).await?;
            let rebuilt = self.rebuild_group(&group, progress).await;
            self.drop_schemas(of("old")).await?;
            if let Err(MaintenanceError::Apply(_)) = &rebuilt {
                self.drop_schemas(of("new")).await?;
            }
            rebuilt?;
        }
        Ok(())
    }

    async fn rebuild_group(
        &self,
        group: &[&Member],
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<(), MaintenanceError> {
        let members = group.iter().map(|member| (*member, member.copy("new"))).collect();
        let purpose = Purpose { what: "rebuild".to_owned(), limit: self.lowest(group).await? };
        let mut copy = Copy::open(self, members, &purpose).await?;
        copy.advance_to(self.lowest(group).await?, progress).await?;
        copy.finish().await?;
        // Once more without holding anybody up, so that little is left to do while the projector waits.
        copy.advance_to(self.lowest(group).await?, progress).await?;

        let log = self.source.info().await?;
        let mut client = self.pool.get().await.map_err(DatabaseError::from)?;
        let transaction = client.transaction().await.map_err(DatabaseError::from)?;
        let mut held = checkpoints::lock(&transaction, &self.set, group).await?;
        for member in group {
            let name = &member.projection.name;
            match held.iter().find(|checkpoint| checkpoint.projection == *name) {
                Some(checkpoint) if checkpoint.was_live => {}
                Some(_) => return Err(MaintenanceError::NotBuilt(name.clone())),
                None => {
                    let made = checkpoints::create_live(&transaction, &self.set, member, &log, copy.position);
                    held.push(made.await?.ok_or_else(|| MaintenanceError::NotBuilt(name.clone()))?);
                }
            }
        }
        // Projections that have moved apart meanwhile are swapped in where they stand, one by one.
        held.sort_by_key(|checkpoint| checkpoint.position);
        for checkpoint in &held {
            copy.advance_to(checkpoint.position, progress).await?;
            let Some(member) = group.iter().find(|m| m.projection.name == checkpoint.projection) else {
                continue;
            };
            if copy.position != checkpoint.position {
                return Err(MaintenanceError::LogEnded { position: copy.position });
            }
            swap_in(&transaction, member).await?;
            copy.leave(member);
        }
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(())
    }

    /// The position that all of these have reached; for one that was never begun, the log's end.
    pub(super) async fn lowest(&self, members: &[&Member]) -> Result<Position, MaintenanceError> {
        let found = self.checkpoints(members).await?;
        match found.iter().map(|checkpoint| checkpoint.position).min() {
            Some(position) => Ok(position),
            None => Ok(self.source.info().await?.last_position),
        }
    }
}

/// Puts a member's copy in the place of its live tables, if there are any.
async fn swap_in(transaction: &Transaction<'_>, member: &Member) -> Result<(), DatabaseError> {
    let (live, new, old) = (&member.schema, member.copy("new"), member.copy("old"));
    if copy_schema::exists(transaction, live).await? {
        transaction.batch_execute(&format!("ALTER SCHEMA \"{live}\" RENAME TO \"{old}\"")).await?;
    }
    let forget = copy_schema::forget(&new);
    transaction.batch_execute(&format!("{forget} ALTER SCHEMA \"{new}\" RENAME TO \"{live}\"")).await?;
    Ok(())
}
