//! Positions of the projections: waits until an event is visible, and reports health.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use deadpool_postgres::Pool;
use serde::Serialize;
use thiserror::Error;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::checkpoints::{self, Checkpoint, State};
use super::set::{Member, ProjectionSet};
use crate::database::DatabaseError;
use crate::event_log::{LogInfo, Position};

/// Interval at which the checkpoints table is polled while a reader waits.
const POLL: Duration = Duration::from_millis(10);
/// Interval at which [`Readers::watch`] polls the checkpoints table.
const WATCH: Duration = Duration::from_secs(1);

/// Names of projections.
pub type Tables = &'static [&'static str];

/// View of the checkpoints of one program. Cloning is cheap. A projector in the same process
/// publishes each new position. Until a change is published, waiting readers poll the checkpoints
/// table.
#[derive(Clone)]
pub struct Readers {
    shared: Arc<Shared>,
    /// Projections of this view. `None` means all projections of the set.
    tables: Option<Tables>,
    stalled_after: Duration,
}

struct Shared {
    pool: Pool,
    set: Arc<ProjectionSet>,
    seen: watch::Sender<Checkpoints>,
    /// For each projection that is behind the log, its position and the time at which it was first
    /// seen there.
    behind_since: std::sync::Mutex<BTreeMap<String, (Position, Instant)>>,
    /// The task that holds this lock polls the table for all waiting readers.
    poller: Mutex<()>,
    /// The task that holds this lock polls the table for all readers in [`Readers::news`].
    slow_poller: Mutex<()>,
    /// Last position of the log at the first call of [`Readers::status`] in this process.
    begun_at: OnceLock<Position>,
}

/// Last known checkpoints, by name of the projection.
type Checkpoints = BTreeMap<String, Known>;

/// Last known checkpoint of a projection.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Last position that its readable rows contain.
    position: Position,
    /// True if the projection has stopped.
    is_stopped: bool,
}

/// Error of [`Readers::wait_for`]: the time is over, or a projection has stopped.
#[derive(Debug, Error)]
#[error("position {position} is not visible yet in {}", behind.join(", "))]
pub struct TimedOut {
    /// Position that was requested.
    pub position: Position,
    /// Projections that have not reached it.
    pub behind: Vec<String>,
}

/// Health of one projection.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectionHealth {
    /// Name of the projection.
    pub name: String,
    /// `building`, `live` or `stopped`. `absent` if the projection has no checkpoint. `stalled` if
    /// the projection is building or live and behind the log, but its position does not change.
    pub state: &'static str,
    /// Position of the last event that its rows contain.
    pub position: Position,
    /// Last position of the log minus `position`. The number of events that are not applied yet is
    /// at most this.
    pub lag: Position,
    /// True if the rows may be read. The projection must have been live at least once, and must
    /// contain all events that were in the log at the first health check of this process. So a
    /// process that starts with outdated tables is not ready immediately.
    pub ready: bool,
    /// Reason why the projection stopped, without personal data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ProjectionHealth {
    /// Returns true if the projection applies no more events: it is stopped, or it is behind and
    /// its position does not change.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.error.is_some() || self.state == "stalled"
    }
}

impl Readers {
    /// Creates a view of the projections of this program.
    #[must_use]
    pub fn new(pool: Pool, set: Arc<ProjectionSet>) -> Self {
        let shared = Shared {
            pool,
            set,
            seen: watch::Sender::default(),
            behind_since: std::sync::Mutex::default(),
            poller: Mutex::new(()),
            slow_poller: Mutex::new(()),
            begun_at: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
            tables: None,
            stalled_after: Duration::MAX,
        }
    }

    /// Returns a view of only these projections.
    #[must_use]
    pub fn of(&self, tables: Tables) -> Self {
        Self {
            tables: Some(tables),
            ..self.clone()
        }
    }

    /// Sets the time without progress after which a projection that is behind the log counts as
    /// stalled. By default, none does.
    #[must_use]
    pub fn with_stalled_after(self, stalled_after: Duration) -> Self {
        Self {
            stalled_after,
            ..self
        }
    }

    /// Returns true if this view has no projections.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names().next().is_none()
    }

    /// Returns the set of all projections of the program.
    #[must_use]
    pub fn set(&self) -> &Arc<ProjectionSet> {
        &self.shared.set
    }

    /// Returns true if the projections of this view are known to be readable and to contain the
    /// event at `position`.
    #[must_use]
    pub fn shows(&self, position: Position) -> bool {
        self.behind(&self.shared.seen.borrow(), position).is_empty()
    }

    /// Returns the name of a projection of this view that has stopped, if any is known.
    #[must_use]
    pub fn stopped(&self) -> Option<&str> {
        let seen = self.shared.seen.borrow();
        self.names().find(|name| is_stopped(&seen, name))
    }

    /// Polls the checkpoints table once per second until `shutdown`, so that stopped projections
    /// are known.
    pub async fn watch(&self, shutdown: CancellationToken) {
        let watching = async {
            let mut reachable = true;
            loop {
                let asked = self.ask().await;
                if let Err(error) = &asked
                    && reachable
                {
                    tracing::warn!(%error, "projection checkpoints not readable, retrying");
                }
                reachable = asked.is_ok();
                tokio::time::sleep(WATCH).await;
            }
        };
        let _: Option<()> = shutdown.run_until_cancelled(watching).await;
    }

    /// Waits until the projections of this view are readable and contain the event at `position`.
    ///
    /// # Errors
    /// Fails if this takes longer than `timeout`, or if a projection that is behind has stopped.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> Result<(), TimedOut> {
        let mut seen = self.shared.seen.subscribe();
        let reached = async {
            loop {
                {
                    let seen = seen.borrow_and_update();
                    let behind = self.behind(&seen, position);
                    if behind.is_empty() || behind.iter().any(|name| is_stopped(&seen, name)) {
                        return;
                    }
                }
                tokio::select! {
                    // `self` owns the sender, so this returns only after a change.
                    _ = seen.changed() => {}
                    () = self.poll() => {}
                }
            }
        };
        // The positions decide the result, because the last change may arrive at the same time as
        // the timeout.
        let _ = tokio::time::timeout(timeout, reached).await;
        let behind = self.behind(&self.shared.seen.borrow(), position);
        if behind.is_empty() {
            return Ok(());
        }
        let behind = behind.into_iter().map(str::to_owned).collect();
        Err(TimedOut { position, behind })
    }

    /// Waits until the projections of this view are readable and contain an event after `after`.
    /// Returns the last position that all of them contain, or `None` if one of them has stopped.
    /// Until a change is published, one of the waiting readers polls the table at the interval
    /// `pace`.
    pub async fn news(&self, after: Position, pace: Duration) -> Option<Position> {
        let mut seen = self.shared.seen.subscribe();
        loop {
            {
                let seen = seen.borrow_and_update();
                if self.names().any(|name| is_stopped(&seen, name)) {
                    return None;
                }
                let reached = self.reached(&seen);
                if reached > after {
                    return Some(reached);
                }
            }
            tokio::select! {
                // `self` owns the sender, so this returns only after a change.
                _ = seen.changed() => {}
                () = async {
                    let _asking = self.shared.slow_poller.lock().await;
                    tokio::time::sleep(pace).await;
                    self.ask_and_log().await;
                } => {}
            }
        }
    }

    /// Returns the health of all projections. `log` gives the end of the log. A projection is
    /// reported as `stalled` only if an earlier call found it at the same position.
    ///
    /// # Errors
    /// Fails if the database is unavailable.
    pub async fn status(&self, log: &LogInfo) -> Result<Vec<ProjectionHealth>, DatabaseError> {
        let found = self.load().await?;
        let begun_at = *self.shared.begun_at.get_or_init(|| log.last_position);
        let health = |member: &Member| {
            let name = member.projection.name.clone();
            let checkpoint = found
                .iter()
                .find(|checkpoint| checkpoint.projection == name);
            let position = checkpoint.map_or(0, |c| c.position);
            let lag = log.last_position.saturating_sub(position);
            let is_stalled = self.is_stalled(&name, position, lag);
            ProjectionHealth {
                name,
                state: match checkpoint.map(|c| c.state) {
                    None => "absent",
                    Some(State::Building | State::Live) if is_stalled => "stalled",
                    Some(State::Building) => "building",
                    Some(State::Live) => "live",
                    Some(State::Stopped) => "stopped",
                },
                position,
                lag,
                ready: checkpoint.is_some_and(|c| c.was_live && position >= begun_at),
                error: checkpoint.and_then(|c| c.error.clone()),
            }
        };
        Ok(self.shared.set.members().iter().map(health).collect())
    }

    /// Publishes which projections have stopped, and the positions of readable projections; see
    /// [`Self::publish`].
    pub(super) fn publish_readable(&self, found: &[Checkpoint]) {
        self.shared.seen.send_if_modified(|seen| {
            let mut changed = false;
            for checkpoint in found {
                let known = seen.entry(checkpoint.projection.clone()).or_default();
                let is_stopped = checkpoint.state == State::Stopped;
                changed |= known.is_stopped != is_stopped;
                known.is_stopped = is_stopped;
            }
            changed
        });
        self.publish(
            found
                .iter()
                .filter(|c| c.was_live)
                .map(|c| (c.projection.as_str(), c.position)),
        );
    }

    /// Notifies waiting readers of the positions of readable projections. Positions never decrease.
    pub(super) fn publish<'a>(&self, reached: impl IntoIterator<Item = (&'a str, Position)>) {
        self.shared.seen.send_if_modified(|seen| {
            let mut changed = false;
            for (name, position) in reached {
                let known = seen.entry(name.to_owned()).or_default();
                changed |= position > known.position;
                known.position = position.max(known.position);
            }
            changed
        });
    }

    /// Returns true if a projection is behind the log and has been at `position` for too long.
    fn is_stalled(&self, name: &str, position: Position, lag: Position) -> bool {
        // No code panics while it holds the lock, so the data of a poisoned lock is consistent.
        let mut behind_since = self
            .shared
            .behind_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if lag == 0 {
            behind_since.remove(name);
            return false;
        }
        let now = Instant::now();
        let since = behind_since
            .entry(name.to_owned())
            .or_insert((position, now));
        if since.0 != position {
            *since = (position, now);
        }
        since.1.elapsed() >= self.stalled_after
    }

    /// Returns the names of the projections of this view.
    fn names(&self) -> impl Iterator<Item = &str> {
        let is_of_view = |name: &&str| self.tables.is_none_or(|tables| tables.contains(name));
        self.shared
            .set
            .members()
            .iter()
            .map(|member| member.projection.name.as_str())
            .filter(is_of_view)
    }

    /// Returns the last position that the projections of this view contain.
    fn reached(&self, seen: &Checkpoints) -> Position {
        self.names()
            .map(|name| position(seen, name))
            .min()
            .unwrap_or(0)
    }

    fn behind(&self, seen: &Checkpoints, wanted: Position) -> Vec<&str> {
        self.names()
            .filter(|name| position(seen, name) < wanted)
            .collect()
    }

    async fn poll(&self) {
        let _asking = self.shared.poller.lock().await;
        tokio::time::sleep(POLL).await;
        self.ask_and_log().await;
    }

    async fn ask_and_log(&self) {
        if let Err(error) = self.ask().await {
            tracing::warn!(%error, "projection checkpoints not readable");
        }
    }

    async fn ask(&self) -> Result<(), DatabaseError> {
        self.publish_readable(&self.load().await?);
        Ok(())
    }

    /// Returns the checkpoints of all projections.
    async fn load(&self) -> Result<Vec<Checkpoint>, DatabaseError> {
        let members: Vec<&Member> = self.shared.set.members().iter().collect();
        let client = self.shared.pool.get().await?;
        checkpoints::load(&client, &self.shared.set, &members).await
    }
}

fn position(seen: &Checkpoints, name: &str) -> Position {
    seen.get(name).map_or(0, |known| known.position)
}

fn is_stopped(seen: &Checkpoints, name: &str) -> bool {
    seen.get(name).is_some_and(|known| known.is_stopped)
}
