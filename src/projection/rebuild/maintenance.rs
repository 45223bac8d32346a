//! Maintenance of projections: rebuild, verification and clean-up. An operator starts it.

use std::sync::Arc;

use deadpool_postgres::{ClientWrapper, Object, Pool};
use thiserror::Error;

use crate::database::DatabaseError;
use crate::event_log::Position;
use crate::projection::checkpoints;
use crate::projection::checkpoints::Checkpoint;
use crate::projection::runner::apply::ApplyError;
use crate::projection::runner::projector::{ProjectorError, check_log};
use crate::projection::set::{BadSet, Member, ProjectionSet};
use crate::projection::source::{LogSource, SourceError};

/// Rebuilds, verifies and cleans up the projections of one program. Only one maintenance operation
/// can run in a namespace at a time. Projectors and readers continue to work.
pub struct Maintenance {
    pub(in crate::projection) pool: Pool,
    pub(in crate::projection) source: Arc<dyn LogSource>,
    pub(in crate::projection) set: Arc<ProjectionSet>,
    lanes: usize,
}

/// Handling of projections that have no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::projection) enum Absent {
    /// The operation builds the projection.
    Built,
    /// The operation fails.
    Refused,
}

/// Error of a maintenance operation.
#[derive(Debug, Error)]
pub enum MaintenanceError {
    /// Another rebuild, verification or clean-up is running in this namespace.
    #[error("another rebuild, verification or clean-up is running; wait until it has ended")]
    Busy,
    /// No projection has this name.
    #[error(transparent)]
    Set(#[from] BadSet),
    /// The projection has not been built, or its first build has not finished.
    #[error(
        "projection {0} has not been built yet; let the projector finish first, or rebuild it while no projector is running"
    )]
    NotBuilt(String),
    /// The log ends before the position that the live tables have.
    #[error("the log ends at position {position}, before the position of the live tables")]
    LogEnded {
        /// Last position of the log.
        position: Position,
    },
    /// The requested position is beyond the end of the log.
    #[error("position {position} is beyond the log, which ends at position {end}")]
    BeyondLog {
        /// Requested position.
        position: Position,
        /// Last position of the log.
        end: Position,
    },
    /// The schema exists, or its name is invalid.
    #[error(
        "\"{0}\" can't be used; give the name of a schema that doesn't exist, with 1 to 63 lower-case letters, digits or underscores"
    )]
    BadSchema(String),
    /// The log is not the one from which the projections were filled.
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

/// Lock of a maintenance operation: an advisory lock on a connection that was removed from the
/// pool. Dropping this value closes the connection, which releases the lock.
pub(in crate::projection) struct Turn(ClientWrapper, String);

impl Turn {
    /// Releases the lock immediately. If the value is only dropped, the server releases the lock
    /// when it detects the closed connection.
    pub(in crate::projection) async fn end(self) -> Result<(), DatabaseError> {
        self.0
            .execute(
                "SELECT pg_advisory_unlock(hashtextextended($1, 0))",
                &[&self.1],
            )
            .await?;
        Ok(())
    }
}

impl Maintenance {
    /// Creates the maintenance of a set of projections. `pool` must have at least
    /// [`Self::LEAST_CONNECTIONS`] connections. At most `max(processors, 2) + 1` of them are used.
    /// The lock needs another connection, which is not part of the pool.
    #[must_use]
    pub fn new(pool: Pool, source: Arc<dyn LogSource>, set: Arc<ProjectionSet>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        // One connection reads the live tables while the others fill copies.
        let lanes = pool
            .status()
            .max_size
            .saturating_sub(1)
            .clamp(1, processors.max(2));
        Self {
            pool,
            source,
            set,
            lanes,
        }
    }

    /// Minimum number of connections in the pool.
    pub const LEAST_CONNECTIONS: usize = 2;

    /// Returns the number of projections that are filled at the same time.
    pub(in crate::projection) const fn lanes(&self) -> usize {
        self.lanes
    }

    pub(in crate::projection) async fn take_turn(&self) -> Result<Turn, MaintenanceError> {
        let client = self.pool.get().await.map_err(DatabaseError::from)?;
        let key = format!("{}_maintenance", self.set.namespace());
        let sql = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";
        let row = client
            .query_one(sql, &[&key])
            .await
            .map_err(DatabaseError::from)?;
        if row.try_get(0).map_err(DatabaseError::from)? {
            Ok(Turn(Object::take(client), key))
        } else {
            Err(MaintenanceError::Busy)
        }
    }

    /// Returns the members with these names in groups. The members of a group have the same
    /// checkpoint, so one pass over the log fills them. Also checks the checkpoints against the
    /// log.
    pub(in crate::projection) async fn groups(
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
            let member = members
                .iter()
                .find(|member| member.projection.name == checkpoint.projection);
            let Some(member) = member else { continue };
            match groups.last_mut() {
                Some((position, group)) if *position == checkpoint.position => group.push(member),
                _ => groups.push((checkpoint.position, vec![member])),
            }
        }
        let built = groups.into_iter().map(|(_, group)| group);
        Ok(built
            .chain((!missing.is_empty()).then_some(missing))
            .collect())
    }

    /// Returns the live checkpoints of these members. Omits members without a checkpoint. Fails if
    /// a member is still building.
    pub(in crate::projection) async fn checkpoints(
        &self,
        members: &[&Member],
    ) -> Result<Vec<Checkpoint>, MaintenanceError> {
        let client = self.pool.get().await.map_err(DatabaseError::from)?;
        let found = checkpoints::load(&client, &self.set, members).await?;
        match found.iter().find(|checkpoint| !checkpoint.was_live) {
            Some(building) => Err(MaintenanceError::NotBuilt(building.projection.clone())),
            None => Ok(found),
        }
    }

    pub(in crate::projection) async fn drop_schemas(
        &self,
        schemas: impl IntoIterator<Item = String>,
    ) -> Result<(), DatabaseError> {
        let client = self.pool.get().await?;
        for schema in schemas {
            client
                .batch_execute(&format!("DROP SCHEMA IF EXISTS \"{schema}\" CASCADE"))
                .await?;
        }
        Ok(())
    }
}
