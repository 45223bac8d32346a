//! Transition of a projection from `building` to `live`. First, its indexes are created. When the
//! projection is not behind its other versions, its schema is renamed to the name that readers use.

use tokio::time::Instant;

use super::apply::ApplyError;
use super::projector::{Projector, ProjectorError};
use super::track::Track;
use super::worker::Worker;
use crate::database::DatabaseError;
use crate::event_log::Position;
use crate::projection::checkpoints;
use crate::projection::checkpoints::MemberState;

/// Maximum distance to the end of the log, in positions, at which a new projection is considered
/// caught up.
const CLOSE: Position = 1_000;

impl Worker<'_> {
    /// Creates the indexes of the track's building members and makes these members live, if the
    /// track has caught up.
    pub(in crate::projection) async fn settle(
        &mut self,
        index: usize,
    ) -> Result<(), ProjectorError> {
        let members = self.tracks[index].members.iter();
        let new: Vec<usize> = members
            .copied()
            .filter(|m| self.building.contains(m))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let last = self.projector.source.info().await?.last_position;
        if last.saturating_sub(self.tracks[index].position) > CLOSE {
            return Ok(());
        }
        for member in new {
            let position = self.tracks[index].position;
            if let Err(error) = self.projector.make_indexes(member, position).await {
                self.stop_without_indexes(index, member, error).await?;
            }
        }
        // Creating indexes may take minutes. Events appended meanwhile are applied first.
        let last = self.projector.source.info().await?.last_position;
        if last.saturating_sub(self.tracks[index].position) > CLOSE {
            return Ok(());
        }
        let new = self.tracks[index].members.clone();
        for member in new
            .into_iter()
            .filter(|member| self.building.contains(member))
            .collect::<Vec<_>>()
        {
            self.go_live(index, member).await?;
        }
        Ok(())
    }

    async fn stop_without_indexes(
        &mut self,
        track: usize,
        index: usize,
        error: DatabaseError,
    ) -> Result<(), ProjectorError> {
        if error.is_transient() {
            return Err(error.into());
        }
        let set = &self.projector.set;
        let position = self.tracks[track].position;
        let member = &set.members()[index];
        let name = member.projection.name.clone();
        tracing::error!(projection = name, position, %error, "index creation failed, projection stopped");
        self.leave(track, &[name]);
        let client = self
            .projector
            .pool
            .get()
            .await
            .map_err(DatabaseError::from)?;
        let why = format!("its indexes can't be created: {error}");
        checkpoints::set_stopped(&client, set, member, position, &why).await?;
        Ok(())
    }

    /// Makes a member live. First locks the checkpoints of its other versions and applies events up
    /// to the highest of these checkpoints. So a reader that changes to this version never reads an
    /// older state.
    async fn go_live(&mut self, track: usize, index: usize) -> Result<(), ProjectorError> {
        let projector = self.projector;
        let position = self.tracks[track].position;
        let member = &projector.set.members()[index];
        let mut client = projector.pool.get().await.map_err(DatabaseError::from)?;
        let transaction = client.transaction().await.map_err(DatabaseError::from)?;
        let shown = checkpoints::hold_other_versions(&transaction, &projector.set, member).await?;
        if shown.saturating_sub(position) > CLOSE {
            return Ok(());
        }
        let position = if shown > position {
            self.leave(track, std::slice::from_ref(&member.projection.name));
            match projector.catch_up(index, position, shown).await? {
                Some(ahead) => {
                    let position = ahead.position;
                    self.tracks.push(ahead);
                    position
                }
                None => {
                    self.standing_back.push((index, Instant::now()));
                    return Ok(());
                }
            }
        } else {
            position
        };
        if checkpoints::set_live(&transaction, &projector.set, member, position).await? {
            transaction.commit().await.map_err(DatabaseError::from)?;
            self.building.remove(&index);
            projector
                .readers
                .publish([(member.projection.name.as_str(), position)]);
            let name = &member.projection.name;
            tracing::info!(projection = name, position, "projection is live");
        }
        Ok(())
    }
}

impl Projector {
    async fn make_indexes(&self, index: usize, position: Position) -> Result<(), DatabaseError> {
        let member = &self.set.members()[index];
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        if checkpoints::set_indexed(&transaction, &self.set, member, position).await? {
            // Creating indexes over millions of rows may exceed the statement timeout.
            let sql = format!(
                "SET LOCAL statement_timeout = 0; SET LOCAL search_path = \"{}\"; {}",
                member.copy("bld"),
                member.projection.indexes_sql
            );
            transaction.batch_execute(&sql).await?;
            // The planner has no statistics of a new index on an expression.
            let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = $1";
            for row in transaction.query(tables, &[&member.copy("bld")]).await? {
                let table: String = row.try_get(0)?;
                let sql = format!("ANALYZE \"{table}\"");
                transaction.batch_execute(&sql).await?;
            }
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Applies the events after `from` up to `to` to this member only, because other members may
    /// wait for the locked checkpoints. Returns the new track of the member, or `None` if the call
    /// must be repeated.
    async fn catch_up(
        &self,
        index: usize,
        from: Position,
        to: Position,
    ) -> Result<Option<Track>, ProjectorError> {
        let mut track = Track::new(&*self.source, vec![index], from);
        while track.position < to {
            let events = track
                .next(self.pace.batch, Some(to), self.pace.idle)
                .await?;
            let Some(last) = events.last().map(|event| event.position) else {
                return Ok(None);
            };
            let members = [MemberState {
                member: &self.set.members()[index],
                was_live: false,
            }];
            match self.commit(&members, track.position, last, &events).await {
                Ok(()) => track.position = last,
                // The next turn gets the same error and handles it.
                Err(
                    ApplyError::Fenced(_) | ApplyError::Poison { .. } | ApplyError::Slow { .. },
                ) => {
                    return Ok(None);
                }
                Err(ApplyError::Database(error)) => return Err(error.into()),
            }
        }
        Ok(Some(track))
    }
}
