//! How a projection that is being built becomes one that is read: first its indexes are made, and at
//! the very end it is put where readers look, at a moment when no other version shows more.

use tokio::time::Instant;

use super::apply::ApplyError;
use super::checkpoints::{self, Standing};
use super::projector::{Projector, ProjectorError};
use super::track::Track;
use super::worker::Worker;
use crate::database::DatabaseError;
use crate::event_log::Position;

/// How near to the log's end, in positions, a projection that is being built counts as caught up.
const CLOSE: Position = 1_000;

impl Worker<'_> {
    /// Brings the members of a track that have caught up for the first time nearer to being read.
    pub(super) async fn settle(&mut self, index: usize) -> Result<(), ProjectorError> {
        let members = self.tracks[index].members.iter();
        let new: Vec<usize> = members.copied().filter(|m| self.building.contains(m)).collect();
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
        // Making indexes may have taken a while: what was appended meanwhile comes first.
        let last = self.projector.source.info().await?.last_position;
        if last.saturating_sub(self.tracks[index].position) > CLOSE {
            return Ok(());
        }
        let new = self.tracks[index].members.clone();
        for member in new.into_iter().filter(|member| self.building.contains(member)).collect::<Vec<_>>() {
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
        let (set, position) = (&self.projector.set, self.tracks[track].position);
        let member = &set.members()[index];
        let name = member.projection.name.clone();
        tracing::error!(projection = name, position, %error, "a projection's indexes can't be made; it stops");
        self.leave(track, &[name]);
        let client = self.projector.pool.get().await.map_err(DatabaseError::from)?;
        let why = format!("its indexes can't be made: {error}");
        checkpoints::set_stopped(&client, set, member, position, &why).await?;
        Ok(())
    }

    /// Lets a member be read. While the other versions of it are held where they are, it goes as far
    /// as they have come, so that who changes from them to it never sees less.
    async fn go_live(&mut self, track: usize, index: usize) -> Result<(), ProjectorError> {
        let (projector, position) = (self.projector, self.tracks[track].position);
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
            projector.readers.publish([(member.projection.name.as_str(), position)]);
            let name = &member.projection.name;
            tracing::info!(projection = name, position, "a projection has caught up");
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
            // Indexes over millions of rows take longer than any other statement may.
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

    /// Applies what leads from one position up to another to one member alone: other members may be
    /// waited for by those that are held. Gives its new track; none where it has to be looked at again.
    async fn catch_up(
        &self,
        index: usize,
        from: Position,
        to: Position,
    ) -> Result<Option<Track>, ProjectorError> {
        let mut track = Track::new(&*self.source, vec![index], from);
        while track.position < to {
            let events = track.next(self.pace.batch, Some(to), self.pace.idle).await?;
            let Some(last) = events.last().map(|event| event.position) else { return Ok(None) };
            let members = [Standing { member: &self.set.members()[index], was_live: false }];
            match self.commit(&members, track.position, last, &events).await {
                Ok(()) => track.position = last,
                // The next turn meets it again, and knows what to do.
                Err(ApplyError::Fenced(_) | ApplyError::Poison { .. }) => return Ok(None),
                Err(ApplyError::Database(error)) => return Err(error.into()),
            }
        }
        Ok(Some(track))
    }
}
