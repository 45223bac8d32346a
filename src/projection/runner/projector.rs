//! Projector: a loop that keeps the projections of one process up to date with the log.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Pool;
use thiserror::Error;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::apply::ApplyError;
use super::presence::Presence;
use super::worker::Worker;
use crate::database::DatabaseError;
use crate::event_log::{LogInfo, Position};
use crate::projection::checkpoints::{Checkpoint, microseconds};
use crate::projection::readers::Readers;
use crate::projection::set::ProjectionSet;
use crate::projection::source::{LogSource, SourceError};

/// Delay before a retry if the log or the database is unavailable.
const BACKOFF: Duration = Duration::from_secs(1);

/// Batch sizes and delays.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Maximum number of events in one transaction.
    pub batch: usize,
    /// Maximum number of events in one transaction during the first build.
    pub first_batch: usize,
    /// Maximum time to wait for the next event in one turn.
    pub idle: Duration,
    /// Pause for projections whose checkpoints another projector has moved.
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

/// Keeps the projections of one program up to date with the log. Several projectors may run at the
/// same time. The checkpoints ensure that each event is applied only once.
pub struct Projector {
    pub(in crate::projection) pool: Pool,
    pub(in crate::projection) source: Arc<dyn LogSource>,
    pub(in crate::projection) set: Arc<ProjectionSet>,
    pub(in crate::projection) readers: Readers,
    pub(in crate::projection) pace: Pace,
}

/// Error that stops a projector.
#[derive(Debug, Error)]
pub enum ProjectorError {
    /// The checkpoint was made with another log.
    #[error(
        "projection {projection} was filled from a log created at {expected}, but this log was created at {found}; \
         use the log that belongs to this database, or another namespace"
    )]
    AnotherLog {
        /// Name of the projection.
        projection: String,
        /// Creation time of the log from which the projection was filled.
        expected: OffsetDateTime,
        /// Creation time of this log.
        found: OffsetDateTime,
    },
    /// The log ends before the checkpoint, because it has lost events or was restored from an older
    /// copy.
    #[error(
        "projection {projection} is at position {position}, but the log ends at {last}; restore the whole log, \
         or a database backup that is not newer than the log"
    )]
    LogBehind {
        /// Name of the projection.
        projection: String,
        /// Position of the checkpoint.
        position: Position,
        /// Last position of the log.
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
            Self::Database(error) | Self::Apply(ApplyError::Database(error)) => {
                error.is_transient()
            }
            Self::AnotherLog { .. } | Self::LogBehind { .. } | Self::Apply(_) => false,
        }
    }
}

impl Projector {
    /// Creates a projector for the projections of `readers`. The migrations of the database must
    /// have been applied.
    #[must_use]
    pub fn new(pool: Pool, source: Arc<dyn LogSource>, readers: Readers) -> Self {
        Self {
            pool,
            source,
            set: readers.set().clone(),
            readers,
            pace: Pace::default(),
        }
    }

    /// Sets the batch sizes and delays.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Runs until `shutdown`. Retries while the log or the database is unavailable. The future may
    /// be dropped in the middle of a batch, because the transaction is then rolled back.
    ///
    /// # Errors
    /// Fails if the log is not the one from which the projections were filled, if the log has lost
    /// events, or if the database reports an error that a retry can't solve.
    pub async fn run(&self, shutdown: CancellationToken) -> Result<(), ProjectorError> {
        shutdown
            .run_until_cancelled(self.work())
            .await
            .unwrap_or(Ok(()))
    }

    /// Acquires the presence locks of the projections. Retries until the database is available.
    async fn announce(&self) -> Result<Presence, ProjectorError> {
        loop {
            match Presence::announce(self.pool.clone(), self.set.clone()).await {
                Ok(presence) => return Ok(presence),
                Err(error) if !error.is_transient() => return Err(error.into()),
                Err(error) => tracing::warn!(%error, "database unavailable, retrying"),
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
            let Err(error) = self.follow(&mut resume).await else {
                continue;
            };
            if !error.is_transient() {
                tracing::error!(%error, "projector stopped");
                return Err(error);
            }
            tracing::warn!(%error, "log or database unavailable, retrying");
            tokio::time::sleep(BACKOFF).await;
        }
    }

    /// Opens a worker and applies events until an error occurs.
    async fn follow(&self, resume: &mut bool) -> Result<(), ProjectorError> {
        let mut worker = Worker::open(self, *resume).await?;
        // Stopped projections are retried at the next start of the process, not after each
        // transient error.
        *resume = false;
        loop {
            worker.turn().await?;
        }
    }
}

/// Checks that the checkpoints were made with this log and are not beyond its end.
pub(in crate::projection) fn check_log(
    log: &LogInfo,
    checkpoints: &[Checkpoint],
) -> Result<(), ProjectorError> {
    for checkpoint in checkpoints {
        let projection = checkpoint.projection.clone();
        if microseconds(checkpoint.log_created) != microseconds(log.created) {
            let expected = checkpoint.log_created;
            let found = log.created;
            return Err(ProjectorError::AnotherLog {
                projection,
                expected,
                found,
            });
        }
        if checkpoint.position > log.last_position {
            let position = checkpoint.position;
            let last = log.last_position;
            return Err(ProjectorError::LogBehind {
                projection,
                position,
                last,
            });
        }
    }
    Ok(())
}
