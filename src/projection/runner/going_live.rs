//! The transition of a projection from `building` to `live`. First its indexes are created. Then
//! its schema is renamed to the name that readers use, once it is not behind the other versions of
//! the projection.

use tokio::time::Instant;

use super::apply::ApplyError;
use super::projector::{Projector, ProjectorError};
use super::track::Track;
use super::worker::Worker;
use crate::database::DatabaseError;
use crate::event_log::Position;
use crate::projection::checkpoints;
use crate::projection::checkpoints::MemberState;

/// Distance to the end of the log, in positions, within which a new projection counts as caught up.
const CLOSE: Position = 1_000;

impl Worker<'_> {
    /// Creates the indexes of the track's building members and makes them live, if the track has
    /// caught up.
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
        let why = format!("its indexes can't be made: {error}");
        checkpoints::set_stopped(&client, set, member, position, &why).await?;
        Ok(())
    }

    /// Makes a member live. Locks the checkpoints of its other versions and first applies events up
    /// to the furthest of them, so that a reader that changes to this version never sees an older
    /// state.
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
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Applies the events after `from` up to `to` to one member alone, because other members may
    /// wait for the locked checkpoints. Returns its new track, or `None` if it must be retried.
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
