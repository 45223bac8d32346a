//! Positions of the projections: waits until an event is visible, and reports health.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deadpool_postgres::Pool;
use serde::Serialize;
use thiserror::Error;
use tokio::sync::{Mutex, watch};

use super::checkpoints::{self, Checkpoint, State};
use super::set::{Member, ProjectionSet};
use crate::database::DatabaseError;
use crate::event_log::{LogInfo, Position};

/// Interval at which the checkpoints table is polled while a reader waits.
const POLL: Duration = Duration::from_millis(10);

/// View of the checkpoints of one program. Cloning is cheap. A projector in the same process
/// publishes each new position. Without one, the checkpoints table is polled while a reader waits.
#[derive(Clone)]
pub struct Readers(Arc<Shared>);

struct Shared {
    pool: Pool,
    set: Arc<ProjectionSet>,
    positions: watch::Sender<BTreeMap<String, Position>>,
    /// The task that holds this lock polls the table for all waiting readers.
    poller: Mutex<()>,
    /// The task that holds this lock polls the table for all readers in [`Readers::news`].
    slow_poller: Mutex<()>,
    /// Last position of the log at the first call of [`Readers::status`] in this process.
    begun_at: OnceLock<Position>,
}

/// Timeout of [`Readers::wait_for`].
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
    /// `building`, `live` or `stopped`. `absent` if the projection has no checkpoint.
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

impl Readers {
    /// Creates a view of the projections of this program.
    #[must_use]
    pub fn new(pool: Pool, set: Arc<ProjectionSet>) -> Self {
        let positions = watch::Sender::new(BTreeMap::new());
        Self(Arc::new(Shared {
            pool,
            set,
            positions,
            poller: Mutex::new(()),
            slow_poller: Mutex::new(()),
            begun_at: OnceLock::new(),
        }))
    }

    /// Returns the projections of this view.
    #[must_use]
    pub fn set(&self) -> &Arc<ProjectionSet> {
        &self.0.set
    }

    /// Returns true if all projections are known to be readable and to contain the event at
    /// `position`.
    #[must_use]
    pub fn shows(&self, position: Position) -> bool {
        self.behind(&self.0.positions.borrow(), position).is_empty()
    }

    /// Waits until all projections are readable and contain the event at `position`.
    ///
    /// # Errors
    /// Fails if this takes longer than `timeout`.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> Result<(), TimedOut> {
        let mut positions = self.0.positions.subscribe();
        let reached = async {
            loop {
                if self
                    .behind(&positions.borrow_and_update(), position)
                    .is_empty()
                {
                    return;
                }
                tokio::select! {
                    // `self` owns the sender, so this returns only after a change.
                    _ = positions.changed() => {}
                    () = self.poll() => {}
                }
            }
        };
        if tokio::time::timeout(timeout, reached).await.is_ok() {
            return Ok(());
        }
        let behind = self.behind(&self.0.positions.borrow(), position);
        if behind.is_empty() {
            Ok(())
        } else {
            Err(TimedOut { position, behind })
        }
    }

    /// Waits until all projections are readable and contain an event after `after`. Returns the
    /// last position that all of them contain. Without a projector in this process, one of the
    /// waiting readers polls the table at the interval `pace`.
    pub async fn news(&self, after: Position, pace: Duration) -> Position {
        let mut positions = self.0.positions.subscribe();
        loop {
            let reached = self.reached(&positions.borrow_and_update());
            if reached > after {
                return reached;
            }
            tokio::select! {
                // `self` owns the sender, so this returns only after a change.
                _ = positions.changed() => {}
                () = async {
                    let _asking = self.0.slow_poller.lock().await;
                    tokio::time::sleep(pace).await;
                    self.ask().await;
                } => {}
            }
        }
    }

    /// Returns the health of all projections. `log` gives the end of the log.
    ///
    /// # Errors
    /// Fails if the database is unavailable.
    pub async fn status(&self, log: &LogInfo) -> Result<Vec<ProjectionHealth>, DatabaseError> {
        let client = self.0.pool.get().await?;
        let members: Vec<&Member> = self.0.set.members().iter().collect();
        let found = checkpoints::load(&client, &self.0.set, &members).await?;
        let begun_at = *self.0.begun_at.get_or_init(|| log.last_position);
        let health = |member: &&Member| {
            let name = member.projection.name.clone();
            let checkpoint = found
                .iter()
                .find(|checkpoint| checkpoint.projection == name);
            let position = checkpoint.map_or(0, |c| c.position);
            ProjectionHealth {
                name,
                state: match checkpoint.map(|c| c.state) {
                    None => "absent",
                    Some(State::Building) => "building",
                    Some(State::Live) => "live",
                    Some(State::Stopped) => "stopped",
                },
                position,
                lag: log.last_position.saturating_sub(position),
                ready: checkpoint.is_some_and(|c| c.was_live && position >= begun_at),
                error: checkpoint.and_then(|c| c.error.clone()),
            }
        };
        Ok(members.iter().map(health).collect())
    }

    /// Publishes the checkpoints of readable projections; see [`Self::publish`].
    pub(super) fn publish_readable(&self, found: &[Checkpoint]) {
        self.publish(
            found
                .iter()
                .filter(|c| c.was_live)
                .map(|c| (c.projection.as_str(), c.position)),
        );
    }

    /// Notifies waiting readers of the positions of readable projections. Positions never decrease.
    pub(super) fn publish<'a>(&self, reached: impl IntoIterator<Item = (&'a str, Position)>) {
        self.0.positions.send_if_modified(|positions| {
            let mut changed = false;
            for (name, position) in reached {
                let known = positions.entry(name.to_owned()).or_default();
                changed |= position > *known;
                *known = position.max(*known);
            }
            changed
        });
    }

    /// Returns the last position that all projections contain.
    fn reached(&self, positions: &BTreeMap<String, Position>) -> Position {
        let names = self
            .0
            .set
            .members()
            .iter()
            .map(|member| &member.projection.name);
        names
            .map(|name| positions.get(name).copied().unwrap_or(0))
            .min()
            .unwrap_or(0)
    }

    fn behind(&self, positions: &BTreeMap<String, Position>, position: Position) -> Vec<String> {
        let names = self
            .0
            .set
            .members()
            .iter()
            .map(|member| &member.projection.name);
        names
            .filter(|name| positions.get(*name).copied().unwrap_or(0) < position)
            .cloned()
            .collect()
    }

    async fn poll(&self) {
        let _asking = self.0.poller.lock().await;
        tokio::time::sleep(POLL).await;
        self.ask().await;
    }

    async fn ask(&self) {
        let members: Vec<&Member> = self.0.set.members().iter().collect();
        let asked = async {
            let client = self.0.pool.get().await?;
            checkpoints::load(&client, &self.0.set, &members).await
        };
        match asked.await {
            Ok(found) => self.publish_readable(&found),
            Err(error) => tracing::warn!(%error, "projection checkpoints not readable"),
        }
    }
}
