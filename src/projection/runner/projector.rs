//! Projector: a loop that keeps the projections of one process up to date with the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use thiserror::Error;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::apply::ApplyError;
use super::presence::Presence;
use super::worker::Worker;
use crate::database::DatabaseError;
use crate::event_log::{LogInfo, Position};
use crate::projection::checkpoints;
use crate::projection::checkpoints::{Checkpoint, State, microseconds};
use crate::projection::readers::Readers;
use crate::projection::set::{Member, ProjectionSet};
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
    /// Time for which the log must look like the wrong one before projections are stopped. A node
    /// that was replaced as leader may answer with an outdated end of the log for about 10 s.
    pub confirm: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch: 5_000,
            first_batch: 10_000,
            idle: Duration::from_millis(500),
            stand_back: Duration::from_secs(2),
            confirm: Duration::from_secs(30),
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

/// Error of a projector.
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

    const fn unreadable(&self) -> Option<Position> {
        match self {
            Self::Source(error) => error.unreadable,
            _ => None,
        }
    }

    const fn is_wrong_log(&self) -> bool {
        matches!(self, Self::AnotherLog { .. } | Self::LogBehind { .. })
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

    /// Runs until `shutdown`. Retries while the log or the database is unavailable. If the log is
    /// not the one from which the projections were filled, or has lost events, and this does not
    /// change for [`Pace::confirm`], the projections are stopped, but not the projector. A message
    /// that is not an event also stops only the projections that have not passed it. The future may
    /// be dropped in the middle of a batch, because the transaction is then rolled back.
    ///
    /// # Errors
    /// The log or the database reports an error that a retry can't solve.
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
        let mut wrong_since = None;
        loop {
            let Err(error) = self.follow(&mut resume, &mut wrong_since).await else {
                continue;
            };
            if error.is_wrong_log() {
                let since = *wrong_since.get_or_insert_with(Instant::now);
                if since.elapsed() < self.pace.confirm {
                    tracing::warn!(%error, "the answer about the log may be outdated, asking again");
                } else if let Err(error) = self.stop_on_wrong_log().await {
                    tracing::warn!(%error, "log or database unavailable, retrying");
                }
                tokio::time::sleep(BACKOFF).await;
                continue;
            }
            if let Some(position) = error.unreadable() {
                let is_before = |checkpoint: &Checkpoint| checkpoint.position < position;
                let stopped =
                    self.stop_if(|checkpoint| is_before(checkpoint).then(|| error.to_string()));
                if let Err(error) = stopped.await {
                    tracing::warn!(%error, "database unavailable, retrying");
                    tokio::time::sleep(BACKOFF).await;
                }
                continue;
            }
            if !error.is_transient() {
                tracing::error!(%error, "projector stopped");
                return Err(error);
            }
            tracing::warn!(%error, "log or database unavailable, retrying");
            tokio::time::sleep(BACKOFF).await;
        }
    }

    /// Stops the projections that were not filled from this log.
    async fn stop_on_wrong_log(&self) -> Result<(), ProjectorError> {
        let log = self.source.info().await?;
        self.stop_if(|checkpoint| {
            let checked = check_log(&log, std::slice::from_ref(checkpoint));
            checked.err().map(|error| error.to_string())
        })
        .await
    }

    /// Stops the projections for which `reason` returns a reason.
    async fn stop_if(
        &self,
        reason: impl Fn(&Checkpoint) -> Option<String>,
    ) -> Result<(), ProjectorError> {
        let members: Vec<&Member> = self.set.members().iter().collect();
        let client = self.pool.get().await.map_err(DatabaseError::from)?;
        for checkpoint in checkpoints::load(&client, &self.set, &members).await? {
            if checkpoint.state == State::Stopped {
                continue;
            }
            let Some(why) = reason(&checkpoint) else {
                continue;
            };
            let name = &checkpoint.projection;
            tracing::error!(projection = name, why, "projection stopped");
            let mut found = members.iter();
            if let Some(member) = found.find(|member| member.projection.name == *name) {
                let position = checkpoint.position;
                checkpoints::set_stopped(&client, &self.set, member, position, &why).await?;
            }
        }
        Ok(())
    }

    /// Opens a worker and applies events until an error occurs. Resets `wrong_since` when the log
    /// is the right one.
    async fn follow(
        &self,
        resume: &mut bool,
        wrong_since: &mut Option<Instant>,
    ) -> Result<(), ProjectorError> {
        let mut worker = Worker::open(self, *resume).await?;
        // Stopped projections are retried at the next start of the process, not after each
        // transient error.
        *resume = false;
        *wrong_since = None;
        loop {
            worker.turn().await?;
        }
    }
}

/// Checks that the checkpoints were made with this log and are not beyond its end. Ignores stopped
/// projections.
pub(in crate::projection) fn check_log(
    log: &LogInfo,
    checkpoints: &[Checkpoint],
) -> Result<(), ProjectorError> {
    for checkpoint in checkpoints {
        if checkpoint.state == State::Stopped {
            continue;
        }
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
