//! Rebuild: fills copies beside the live tables and swaps them in within one transaction. The next
//! call after an interrupted rebuild resumes its copies.

use deadpool_postgres::Transaction;

use super::copy::Copy;
use super::copy_schema::{self, Purpose};
use super::maintenance::{Absent, Maintenance, MaintenanceError};
use super::progress::Progress;
use crate::database::DatabaseError;
use crate::event_log::Position;
use crate::projection::checkpoints;
use crate::projection::set::Member;

impl Maintenance {
    /// Rebuilds the named projections from the log (all projections if `names` is empty) and
    /// replaces the live tables with the copies. Readers see the old rows until the swap is
    /// committed. The projector waits only while the copies apply the last events. A projection
    /// without a checkpoint is built and is live afterwards.
    ///
    /// # Errors
    /// Fails if another maintenance operation is running, if a name is unknown, if a projector is
    /// still building the projection, if the log is not the one from which the tables were filled,
    /// if a handler fails, or if the database is unavailable. The live tables are unchanged in each
    /// case. The copy is kept for the next call, except if a handler failed.
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

    /// Drops the copies of an interrupted rebuild of the named projections (of all projections if
    /// `names` is empty). The next rebuild then starts from the beginning.
    ///
    /// # Errors
    /// Fails if another maintenance operation is running, if a name is unknown, or if the database
    /// is unavailable.
    pub async fn discard_copies(&self, names: &[&str]) -> Result<(), MaintenanceError> {
        let members = self.set.select(names)?;
        let turn = self.take_turn().await?;
        let dropped = self
            .drop_schemas(members.iter().map(|member| member.copy("new")))
            .await;
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
        let members = group
            .iter()
            .map(|member| (*member, member.copy("new")))
            .collect();
        let purpose = Purpose {
            what: "rebuild".to_owned(),
            limit: self.lowest(group).await?,
        };
        let mut copy = Copy::open(self, members, &purpose).await?;
        copy.advance_to(self.lowest(group).await?, progress).await?;
        copy.finish().await?;
        // Catches up once more without a lock, so that the projector waits only for a few events
        // below.
        copy.advance_to(self.lowest(group).await?, progress).await?;

        let log = self.source.info().await?;
        let mut client = self.pool.get().await.map_err(DatabaseError::from)?;
        let transaction = client.transaction().await.map_err(DatabaseError::from)?;
        let mut held = checkpoints::lock(&transaction, &self.set, group).await?;
        for member in group {
            let name = &member.projection.name;
            match held
                .iter()
                .find(|checkpoint| checkpoint.projection == *name)
            {
                Some(checkpoint) if checkpoint.was_live => {}
                Some(_) => return Err(MaintenanceError::NotBuilt(name.clone())),
                None => {
                    let made = checkpoints::create_live(
                        &transaction,
                        &self.set,
                        member,
                        &log,
                        copy.position,
                    );
                    held.push(
                        made.await?
                            .ok_or_else(|| MaintenanceError::NotBuilt(name.clone()))?,
                    );
                }
            }
        }
        // If the projections have different positions by now, each is swapped in at its own
        // position.
        held.sort_by_key(|checkpoint| checkpoint.position);
        for checkpoint in &held {
            copy.advance_to(checkpoint.position, progress).await?;
            let Some(member) = group
                .iter()
                .find(|m| m.projection.name == checkpoint.projection)
            else {
                continue;
            };
            if copy.position != checkpoint.position {
                return Err(MaintenanceError::LogEnded {
                    position: copy.position,
                });
            }
            swap_in(&transaction, member).await?;
            copy.leave(member);
        }
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(())
    }

    /// Returns the lowest position of these members. Returns the end of the log if none of them has
    /// a checkpoint.
    pub(in crate::projection) async fn lowest(
        &self,
        members: &[&Member],
    ) -> Result<Position, MaintenanceError> {
        let found = self.checkpoints(members).await?;
        match found.iter().map(|checkpoint| checkpoint.position).min() {
            Some(position) => Ok(position),
            None => Ok(self.source.info().await?.last_position),
        }
    }
}

/// Replaces the live tables of a member, if there are any, with its copy.
async fn swap_in(transaction: &Transaction<'_>, member: &Member) -> Result<(), DatabaseError> {
    let live = &member.schema;
    let new = member.copy("new");
    let old = member.copy("old");
    if copy_schema::exists(transaction, live).await? {
        transaction
            .batch_execute(&format!("ALTER SCHEMA \"{live}\" RENAME TO \"{old}\""))
            .await?;
    }
    let forget = copy_schema::forget(&new);
    transaction
        .batch_execute(&format!(
            "{forget} ALTER SCHEMA \"{new}\" RENAME TO \"{live}\""
        ))
        .await?;
    Ok(())
}
