//! The projector: one process's loop that keeps its projections up with the log.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Pool;
use thiserror::Error;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::apply::ApplyError;
use super::checkpoints::{Checkpoint, microseconds};
use super::presence::Presence;
use super::readers::Readers;
use super::set::ProjectionSet;
use super::source::{LogSource, SourceError};
use super::worker::Worker;
use crate::database::DatabaseError;
use crate::event_log::{LogInfo, Position};

/// How long to wait before another try when the log or the database was away.
const BACKOFF: Duration = Duration::from_secs(1);

/// Sizes of steps and lengths of waits.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Events applied in one transaction.
    pub batch: usize,
    /// The same while a projection is filled for the first time.
    pub first_batch: usize,
    /// How long to wait for the next event before looking around.
    pub idle: Duration,
    /// How long to leave projections alone that another projector moved.
    pub stand_back: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch: 5_000,
            first_batch: 10_000,
            idle: Duration::from_millis(500),
            stand_back: Duration::from_secs(2),
        }
    }
}

/// Keeps the projections of one program up with the log. Several may run; the checkpoints keep them
/// from applying an event twice.
pub struct Projector {
    pub(super) pool: Pool,
    pub(super) source: Arc<dyn LogSource>,
    pub(super) set: Arc<ProjectionSet>,
    pub(super) readers: Readers,
    pub(super) pace: Pace,
}

/// Why a projector gave up.
#[derive(Debug, Error)]
pub enum ProjectorError {
    /// The checkpoint is of another log.
    #[error(
        "projection {projection} was filled from a log created at {expected}, but this log was created at {found}; \
         give the log that belongs to this database, or another namespace"
    )]
    AnotherLog {
        /// Which projection.
        projection: String,
        /// When the log it was filled from was created.
        expected: OffsetDateTime,
        /// When the log at hand was created.
        found: OffsetDateTime,
    },
    /// The log ends before the checkpoint: it lost events, or an older copy was restored.
    #[error(
        "projection {projection} stands at position {position}, but the log ends at {last}; restore the whole log, \
         or the database as of the log's end"
    )]
    LogBehind {
        /// Which projection.
        projection: String,
        /// Its checkpoint.
        position: Position,
        /// The log's last position.
        last: Position,
    },
    /// The log can't be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A batch could not be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

impl ProjectorError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Source(error) => error.transient,
            Self::Database(error) | Self::Apply(ApplyError::Database(error)) => error.is_transient(),
            Self::AnotherLog { .. } | Self::LogBehind { .. } | Self::Apply(_) => false,
        }
    }
}

impl Projector {
    /// A projector of the projections that `readers` is a view on. The database must be migrated.
    #[must_use]
    pub fn new(pool: Pool, source: Arc<dyn LogSource>, readers: Readers) -> Self {
        Self { pool, source, set: readers.set().clone(), readers, pace: Pace::default() }
    }

    /// The same with other sizes and waits.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Works until `shutdown`. Waits out a log or a database that is away. Stopping in the middle of
    /// a batch is harmless: its transaction is rolled back.
    ///
    /// # Errors
    /// The log is not the one that the projections were filled from, or has lost events; or the
    /// database refuses what the projector itself needs.
    pub async fn run(&self, shutdown: CancellationToken) -> Result<(), ProjectorError> {
        shutdown.run_until_cancelled(self.work()).await.unwrap_or(Ok(()))
    }

    /// Says that these tables are kept, as soon as the database answers.
    async fn announce(&self) -> Result<Presence, ProjectorError> {
        loop {
            match Presence::announce(self.pool.clone(), self.set.clone()).await {
                Ok(presence) => return Ok(presence),
                Err(error) if !error.is_transient() => return Err(error.into()),
                Err(error) => tracing::warn!(%error, "the projector waits for the database"),
            }
            tokio::time::sleep(BACKOFF).await;
        }
    }

    async fn work(&self) -> Result<(), ProjectorError> {
        let presence = self.announce().await?;
        tokio::select! {
            result = self.keep_up() => result,
            () = presence.keep(CancellationToken::new()) => Ok(()),
        }
    }

    async fn keep_up(&self) -> Result<(), ProjectorError> {
        let mut resume = true;
        loop {
            let Err(error) = self.follow(&mut resume).await else { continue };
            if !error.is_transient() {
                tracing::error!(%error, "the projector stops");
                return Err(error);
            }
            tracing::warn!(%error, "the projector waits for log and database");
            tokio::time::sleep(BACKOFF).await;
        }
    }

    /// Follows the log until something fails.
    async fn follow(&self, resume: &mut bool) -> Result<(), ProjectorError> {
        let mut worker = Worker::open(self, *resume).await?;
        // Projections that stopped try again at the next start, not after every hiccup.
        *resume = false;
        loop {
            worker.turn().await?;
        }
    }
}

/// Whether the checkpoints belong to this log.
pub(super) fn check_log(log: &LogInfo, checkpoints: &[Checkpoint]) -> Result<(), ProjectorError> {
    for checkpoint in checkpoints {
        let projection = checkpoint.projection.clone();
        if microseconds(checkpoint.log_created) != microseconds(log.created) {
            let (expected, found) = (checkpoint.log_created, log.created);
            return Err(ProjectorError::AnotherLog { projection, expected, found });
        }
        if checkpoint.position > log.last_position {
            let (position, last) = (checkpoint.position, log.last_position);
            return Err(ProjectorError::LogBehind { projection, position, last });
        }
    }
    Ok(())
}
