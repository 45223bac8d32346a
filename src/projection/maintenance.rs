//! Long work on projections that an operator asks for: rebuild, verify, clean up.

use std::sync::Arc;

use deadpool_postgres::{ClientWrapper, Object, Pool};
use thiserror::Error;

use super::apply::ApplyError;
use super::checkpoints::{self, Checkpoint};
use super::projector::{ProjectorError, check_log};
use super::set::{BadSet, Member, ProjectionSet};
use super::source::{LogSource, SourceError};
use crate::database::DatabaseError;
use crate::event_log::Position;

/// Rebuilds, verifies and cleans up the projections of one program. One such piece of work runs at
/// a time in a namespace; projectors and readers go on beside it.
pub struct Maintenance {
    pub(super) pool: Pool,
    pub(super) source: Arc<dyn LogSource>,
    pub(super) set: Arc<ProjectionSet>,
    lanes: usize,
}

/// What becomes of projections that no projector has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// They are built.
    Built,
    /// Nothing can be done with them.
    Refused,
}

/// The work can't be done.
#[derive(Debug, Error)]
pub enum MaintenanceError {
    /// Another rebuild, verification or clean-up runs in this namespace.
    #[error("another rebuild, verification or clean-up is at work; wait for it to end")]
    Busy,
    /// There is no such projection.
    #[error(transparent)]
    Set(#[from] BadSet),
    /// The projection is not built, or not to its end.
    #[error(
        "projection {0} has not been built yet; let the projector finish first, or rebuild it where none runs"
    )]
    NotBuilt(String),
    /// The log ended before the position that the live tables have.
    #[error("the log ends at position {position}, before the position of the live tables")]
    LogEnded {
        /// The last event found.
        position: Position,
    },
    /// The position to build up to is not in the log yet.
    #[error("position {position} is beyond the log, which ends at position {end}")]
    BeyondLog {
        /// The position asked for.
        position: Position,
        /// The log's last position.
        end: Position,
    },
    /// The schema to build into exists, or isn't a plain name.
    #[error(
        "\"{0}\" can't be used; give a schema that doesn't exist, of 1 to 63 lower-case letters, digits or underscores"
    )]
    BadSchema(String),
    /// The log is not the one that the projections were filled from.
    #[error(transparent)]
    Log(#[from] ProjectorError),
    /// The log can't be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A batch could not be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Held while maintenance works: a lock of a connection that belongs to no pool any more, so that
/// dropping it closes the connection and lets the lock go.
pub(super) struct Turn(ClientWrapper, String);

impl Turn {
    /// Lets others work, at once rather than when the server notices the closed connection.
    pub(super) async fn end(self) -> Result<(), DatabaseError> {
        self.0.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", &[&self.1]).await?;
        Ok(())
    }
}

impl Maintenance {
    /// Maintenance of a set of projections. The pool needs [`Self::LEAST_CONNECTIONS`], and uses as
    /// many more as there are processors. One more that is not the pool's holds the turn.
    #[must_use]
    pub fn new(pool: Pool, source: Arc<dyn LogSource>, set: Arc<ProjectionSet>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        // One connection looks at the live tables while the others fill copies.
        let lanes = pool.status().max_size.saturating_sub(1).clamp(1, processors.max(2));
        Self { pool, source, set, lanes }
    }

    /// The fewest connections that a pool for maintenance must have.
    pub const LEAST_CONNECTIONS: usize = 2;

    /// How many projections are filled at the same time.
    pub(super) const fn lanes(&self) -> usize {
        self.lanes
    }

    pub(super) async fn take_turn(&self) -> Result<Turn, MaintenanceError> {
        let client = self.pool.get().await.map_err(DatabaseError::from)?;
        let key = format!("{}_maintenance", self.set.namespace());
        let sql = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";
        let row = client.query_one(sql, &[&key]).await.map_err(DatabaseError::from)?;
        if row.try_get(0).map_err(DatabaseError::from)? {
            Ok(Turn(Object::take(client), key))
        } else {
            Err(MaintenanceError::Busy)
        }
    }

    /// The members of these names with their checkpoints, checked against the log and grouped by
    /// position: a group shares one reading of the log.
    pub(super) async fn groups(
        &self,
        names: &[&str],
        absent: Absent,
    ) -> Result<Vec<Vec<&Member>>, MaintenanceError> {
        let members = self.set.select(names)?;
        let mut found = self.checkpoints(&members).await?;
        let missing: Vec<&Member> = members
            .iter()
            .copied()
            .filter(|member| !found.iter().any(|c| c.projection == member.projection.name))
            .collect();
        if let (Absent::Refused, Some(member)) = (absent, missing.first()) {
            return Err(MaintenanceError::NotBuilt(member.projection.name.clone()));
        }
        check_log(&self.source.info().await?, &found)?;
        found.sort_by_key(|checkpoint| checkpoint.position);
        let mut groups: Vec<(Position, Vec<&Member>)> = Vec::new();
        for checkpoint in found {
            let member = members.iter().find(|member| member.projection.name == checkpoint.projection);
            let Some(member) = member else { continue };
            match groups.last_mut() {
                Some((position, group)) if *position == checkpoint.position => group.push(member),
                _ => groups.push((checkpoint.position, vec![member])),
            }
        }
        let built = groups.into_iter().map(|(_, group)| group);
        Ok(built.chain((!missing.is_empty()).then_some(missing)).collect())
    }

    /// The live checkpoints of these members; none for those that no projector has begun.
    pub(super) async fn checkpoints(&self, members: &[&Member]) -> Result<Vec<Checkpoint>, MaintenanceError> {
        let client = self.pool.get().await.map_err(DatabaseError::from)?;
        let found = checkpoints::load(&client, &self.set, members).await?;
        match found.iter().find(|checkpoint| !checkpoint.was_live) {
            Some(building) => Err(MaintenanceError::NotBuilt(building.projection.clone())),
            None => Ok(found),
        }
    }

    pub(super) async fn drop_schemas(
        &self,
        schemas: impl IntoIterator<Item = String>,
    ) -> Result<(), DatabaseError> {
        let client = self.pool.get().await?;
        for schema in schemas {
            client.batch_execute(&format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE")).await?;
        }
        Ok(())
    }
}
