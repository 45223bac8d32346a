//! One run of the projector. It advances tracks along the log and joins tracks at the same
//! position.
//!
//! Projections at the same position share a cursor and a transaction. A new projection, or one that
//! is behind, has a separate track. When two tracks reach the same position, they are joined.
//! Tracks take turns, so a long build delays the live projections by at most one batch.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join;
use tokio::time::Instant;

use super::apply::{ApplyError, SETTINGS, apply};
use super::projector::{Projector, ProjectorError, check_log};
use super::track::{TURN, Track};
use crate::database::DatabaseError;
use crate::event_log::{Position, RecordedEvent};
use crate::projection::checkpoints;
use crate::projection::checkpoints::{MemberState, State};
use crate::projection::set::{Member, search_path};

/// Interval at which an idle projector checks that the log has not been replaced.
const LOOK: Duration = Duration::from_secs(5);

/// Setting of a transaction that applies a single event that took too long before.
const MORE_TIME: &str = "SET LOCAL statement_timeout = '10min';";

pub(in crate::projection) struct Worker<'a> {
    pub(in crate::projection) projector: &'a Projector,
    /// Tracks in ascending order of position.
    pub(in crate::projection) tracks: Vec<Track>,
    /// Members that are not live yet.
    pub(in crate::projection) building: BTreeSet<usize>,
    /// Members whose checkpoints another projector has moved, each with the end of its pause.
    pub(in crate::projection) standing_back: Vec<(usize, Instant)>,
    looked: Instant,
}

impl<'a> Worker<'a> {
    /// Creates missing checkpoints and tables, checks the log, and assigns each member to a track.
    pub(in crate::projection) async fn open(
        projector: &'a Projector,
        resume: bool,
    ) -> Result<Self, ProjectorError> {
        let members: Vec<&Member> = projector.set.members().iter().collect();
        let log = projector.source.info().await?;
        let mut client = projector.pool.get().await.map_err(DatabaseError::from)?;
        for member in &members {
            let transaction = client.transaction().await.map_err(DatabaseError::from)?;
            checkpoints::create(&transaction, &projector.set, member, &log).await?;
            transaction.commit().await.map_err(DatabaseError::from)?;
        }
        if resume {
            checkpoints::resume(&client, &projector.set, &members).await?;
        }
        drop(client);
        let mut worker = Self {
            projector,
            tracks: Vec::new(),
            building: BTreeSet::new(),
            standing_back: Vec::new(),
            looked: Instant::now(),
        };
        worker
            .take_up(&(0..members.len()).collect::<Vec<_>>())
            .await?;
        Ok(worker)
    }

    /// Loads the checkpoints of these members. Assigns each member to a track, except stopped
    /// members.
    async fn take_up(&mut self, indexes: &[usize]) -> Result<(), ProjectorError> {
        let Projector {
            set,
            source,
            pool,
            readers,
            ..
        } = self.projector;
        let members: Vec<&Member> = indexes.iter().map(|index| &set.members()[*index]).collect();
        let client = pool.get().await.map_err(DatabaseError::from)?;
        let found = checkpoints::load(&client, set, &members).await?;
        drop(client);
        check_log(&source.info().await?, &found)?;
        for checkpoint in &found {
            let index = set
                .members()
                .iter()
                .position(|m| m.projection.name == checkpoint.projection);
            let Some(index) = index else { continue };
            match checkpoint.state {
                State::Stopped => continue,
                State::Building => _ = self.building.insert(index),
                State::Live => _ = self.building.remove(&index),
            }
            match self
                .tracks
                .iter_mut()
                .find(|track| track.position == checkpoint.position)
            {
                Some(track) => {
                    track.members.push(index);
                    track.members.sort_unstable();
                }
                None => self
                    .tracks
                    .push(Track::new(&**source, vec![index], checkpoint.position)),
            }
        }
        readers.publish_readable(&found);
        self.meet();
        Ok(())
    }

    /// Applies at most one batch on each track.
    pub(in crate::projection) async fn turn(&mut self) -> Result<(), ProjectorError> {
        self.return_from_standing_back().await?;
        if self.tracks.is_empty() {
            tokio::time::sleep(self.projector.pace.idle).await;
            return Ok(());
        }
        for index in 0..self.tracks.len() {
            let ceiling = self.tracks.get(index + 1).map(|track| track.position);
            self.step(index, ceiling).await?;
        }
        self.meet();
        self.look().await
    }

    /// Sorts the tracks by position and joins tracks at the same position.
    fn meet(&mut self) {
        let mut tracks = std::mem::take(&mut self.tracks);
        tracks.retain(|track| !track.members.is_empty());
        tracks.sort_by_key(|track| track.position);
        for track in tracks {
            match self.tracks.last_mut() {
                Some(last) if last.position == track.position => last.join(&track),
                _ => self.tracks.push(track),
            }
        }
    }

    async fn step(
        &mut self,
        index: usize,
        ceiling: Option<Position>,
    ) -> Result<(), ProjectorError> {
        let pace = self.projector.pace;
        let wait = if self.tracks.len() == 1 {
            pace.idle
        } else {
            TURN
        };
        let track = &mut self.tracks[index];
        let building = track
            .members
            .iter()
            .any(|member| self.building.contains(member));
        let max = if building {
            pace.first_batch
        } else {
            pace.batch
        };
        let events = track.next(max, ceiling, wait).await?;
        let Some(last) = events.last() else {
            return self.settle(index).await;
        };
        let from = track.position;
        let to = last.position;
        let members = member_states(self.projector, &self.building, &track.members);
        // The next batch is read while this one is applied.
        let (applied, read) = join(
            self.projector.commit(&members, from, to, &events),
            track.fill(max, wait),
        )
        .await;
        match applied {
            Ok(()) => track.position = to,
            Err(ApplyError::Fenced(names)) => {
                tracing::info!(projections = ?names, position = from, "moved by another projector, pausing");
                let until = Instant::now() + pace.stand_back;
                let gone = self.leave(index, &names);
                self.standing_back
                    .extend(gone.into_iter().map(|member| (member, until)));
                self.tracks[index].put_back(events);
            }
            Err(ApplyError::Poison { projection, .. } | ApplyError::Slow { projection, .. }) => {
                for member in self.leave(index, &[projection]) {
                    if let Some(track) = self.apply_up_to_the_poison(member, from, &events).await? {
                        self.tracks.push(track);
                    }
                }
                self.tracks[index].put_back(events);
            }
            Err(ApplyError::Database(error)) => return Err(error.into()),
        }
        read?;
        self.settle(index).await
    }

    /// Removes members from a track and returns their indexes.
    pub(in crate::projection) fn leave(&mut self, track: usize, names: &[String]) -> Vec<usize> {
        let members = self.projector.set.members();
        let left = |member: &usize| names.contains(&members[*member].projection.name);
        let (gone, stay) = self.tracks[track]
            .members
            .iter()
            .partition(|member| left(member));
        self.tracks[track].members = stay;
        gone
    }

    /// Applies a batch to one member only, in smaller and smaller parts, to find the event that
    /// fails. Stops the member before that event. If all events can be applied this time, returns
    /// the member's new track. If a single event takes more than ten minutes, the database is
    /// currently too slow, and the error is transient.
    async fn apply_up_to_the_poison(
        &mut self,
        index: usize,
        from: Position,
        events: &[RecordedEvent],
    ) -> Result<Option<Track>, ProjectorError> {
        let Projector {
            set, source, pool, ..
        } = self.projector;
        let member = &set.members()[index];
        let state = MemberState {
            member,
            was_live: !self.building.contains(&index),
        };
        let mut position = from;
        let mut rest = events;
        let mut size = events.len().div_ceil(2);
        while let Some(last) = rest.get(..size.min(rest.len())).and_then(<[_]>::last) {
            let piece = &rest[..size.min(rest.len())];
            // A single event can't be divided, so it gets more time.
            let more_time = if piece.len() == 1 { MORE_TIME } else { "" };
            let settings = format!("{SETTINGS} {more_time}");
            let bounds = (position, last.position);
            match self
                .projector
                .commit_with(&settings, &[state], bounds, piece)
                .await
            {
                Ok(()) => {
                    position = last.position;
                    rest = &rest[piece.len()..];
                }
                Err(ApplyError::Poison { .. } | ApplyError::Slow { .. }) if piece.len() > 1 => {
                    size = piece.len().div_ceil(2);
                }
                Err(error @ ApplyError::Poison { .. }) => {
                    tracing::error!(projection = member.projection.name, position, %error, "projection stopped");
                    let client = pool.get().await.map_err(DatabaseError::from)?;
                    let why = error.to_string();
                    checkpoints::set_stopped(&client, set, member, position, &why).await?;
                    return Ok(None);
                }
                Err(ApplyError::Fenced(_)) => {
                    let until = Instant::now() + self.projector.pace.stand_back;
                    self.standing_back.push((index, until));
                    return Ok(None);
                }
                Err(ApplyError::Database(error) | ApplyError::Slow { error, .. }) => {
                    return Err(error.into());
                }
            }
        }
        Ok(Some(Track::new(&**source, vec![index], position)))
    }

    async fn return_from_standing_back(&mut self) -> Result<(), ProjectorError> {
        let now = Instant::now();
        let (back, waiting) = self
            .standing_back
            .iter()
            .partition(|(_, until)| *until <= now);
        self.standing_back = waiting;
        let back: Vec<(usize, Instant)> = back;
        if back.is_empty() {
            return Ok(());
        }
        self.take_up(
            &back
                .into_iter()
                .map(|(member, _)| member)
                .collect::<Vec<_>>(),
        )
        .await
    }

    /// Checks that the checkpoints still belong to the log. Does so at most once per [`LOOK`].
    async fn look(&mut self) -> Result<(), ProjectorError> {
        if self.looked.elapsed() < LOOK {
            return Ok(());
        }
        self.looked = Instant::now();
        let Projector {
            set, source, pool, ..
        } = self.projector;
        let members: Vec<&Member> = set.members().iter().collect();
        let client = pool.get().await.map_err(DatabaseError::from)?;
        let found = checkpoints::load(&client, set, &members).await?;
        check_log(&source.info().await?, &found)
    }
}

/// Returns the members with their current schemas.
fn member_states<'p>(
    projector: &'p Projector,
    building: &BTreeSet<usize>,
    members: &[usize],
) -> Vec<MemberState<'p>> {
    let place = |index: &usize| {
        let member = &projector.set.members()[*index];
        MemberState {
            member,
            was_live: !building.contains(index),
        }
    };
    members.iter().map(place).collect()
}

impl Projector {
    /// Applies a batch to members that are at position `from`. Rows and checkpoints change in one
    /// transaction.
    pub(in crate::projection) async fn commit(
        &self,
        members: &[MemberState<'_>],
        from: Position,
        to: Position,
        events: &[RecordedEvent],
    ) -> Result<(), ApplyError> {
        self.commit_with(SETTINGS, members, (from, to), events)
            .await
    }

    async fn commit_with(
        &self,
        settings: &str,
        members: &[MemberState<'_>],
        (from, to): (Position, Position),
        events: &[RecordedEvent],
    ) -> Result<(), ApplyError> {
        let mut client = self.pool.get().await.map_err(DatabaseError::from)?;
        let transaction = client.transaction().await.map_err(DatabaseError::from)?;
        let schemas: Vec<String> = members.iter().map(MemberState::schema).collect();
        let path = search_path(schemas.iter().map(String::as_str));
        let settings = format!("{settings} SET LOCAL search_path = {path}");
        let moved = checkpoints::advance(&transaction, &self.set, members, from, to);
        let (set, moved) = join(transaction.batch_execute(&settings), moved).await;
        set.map_err(DatabaseError::from)?;
        let moved = moved?;
        let names = members.iter().map(|state| &state.member.projection.name);
        let lost: Vec<String> = names
            .filter(|name| !moved.contains(name))
            .cloned()
            .collect();
        if !lost.is_empty() {
            return Err(ApplyError::Fenced(lost));
        }
        let projections: Vec<_> = members
            .iter()
            .map(|state| &state.member.projection)
            .collect();
        apply(&transaction, &projections, events).await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        let readable = members.iter().filter(|state| state.was_live);
        self.readers
            .publish(readable.map(|state| (state.member.projection.name.as_str(), to)));
        Ok(())
    }
}
