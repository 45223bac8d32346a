//! What readers of projections ask: is my write visible, and how are the projections doing?

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

/// How often the checkpoints table is asked while somebody waits.
const POLL: Duration = Duration::from_millis(10);

/// A view on the checkpoints of one program; cheap to clone. A projector in the same process tells
/// it every step; otherwise it asks the table, but only while somebody waits.
#[derive(Clone)]
pub struct Readers(Arc<Shared>);

struct Shared {
    pool: Pool,
    set: Arc<ProjectionSet>,
    positions: watch::Sender<BTreeMap<String, Position>>,
    /// Whoever holds it asks the table for all that wait.
    poller: Mutex<()>,
    /// Whoever holds it asks the table for all that are in no hurry.
    slow_poller: Mutex<()>,
    /// The log's end when this process first asked how projections are doing.
    begun_at: OnceLock<Position>,
}

/// The projections didn't get there in time.
#[derive(Debug, Error)]
#[error("position {position} is not visible yet in {}", behind.join(", "))]
pub struct TimedOut {
    /// The position waited for.
    pub position: Position,
    /// The projections that have not reached it.
    pub behind: Vec<String>,
}

/// How one projection is doing.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectionHealth {
    /// The projection's name.
    pub name: String,
    /// `building`, `live`, `stopped`, or `absent` where no projector has begun it.
    pub state: &'static str,
    /// The last event that its rows contain.
    pub position: Position,
    /// The log's last position less this one's: an upper bound of the events still to come.
    pub lag: Position,
    /// Whether its rows may be read: it had caught up at least once, and contains what was in the log
    /// when this process first asked. A process that starts over old tables isn't ready before.
    pub ready: bool,
    /// Why it stopped, without personal data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Readers {
    /// A view on the projections of this program.
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

    /// The projections that this is a view on.
    #[must_use]
    pub fn set(&self) -> &Arc<ProjectionSet> {
        &self.0.set
    }

    /// Returns true if it is known already that every projection of this program can be read and contains the
    /// event at `position`.
    #[must_use]
    pub fn shows(&self, position: Position) -> bool {
        self.behind(&self.0.positions.borrow(), position).is_empty()
    }

    /// Waits until every projection of this program can be read and contains the event at `position`.
    ///
    /// # Errors
    /// It took longer than `timeout`.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> Result<(), TimedOut> {
        let mut positions = self.0.positions.subscribe();
        let reached = async {
            loop {
                if self.behind(&positions.borrow_and_update(), position).is_empty() {
                    return;
                }
                tokio::select! {
                    // The sender lives in `self`, so this ends only with news.
                    _ = positions.changed() => {}
                    () = self.poll() => {}
                }
            }
        };
        if tokio::time::timeout(timeout, reached).await.is_ok() {
            return Ok(());
        }
        let behind = self.behind(&self.0.positions.borrow(), position);
        if behind.is_empty() { Ok(()) } else { Err(TimedOut { position, behind }) }
    }

    /// Waits until every projection of this program can be read and contains more than the event at `after`,
    /// and tells how far they are. For those that are in no hurry: where no projector in this process tells
    /// it, one of all that wait asks the table, once per `pace`.
    pub async fn news(&self, after: Position, pace: Duration) -> Position {
        let mut positions = self.0.positions.subscribe();
        loop {
            let reached = self.reached(&positions.borrow_and_update());
            if reached > after {
                return reached;
            }
            tokio::select! {
                // The sender lives in `self`, so this ends only with news.
                _ = positions.changed() => {}
                () = async {
                    let _asking = self.0.slow_poller.lock().await;
                    tokio::time::sleep(pace).await;
                    self.ask().await;
                } => {}
            }
        }
    }

    /// How every projection of this program is doing, given what is known about the log.
    ///
    /// # Errors
    /// The database is not available.
    pub async fn status(&self, log: &LogInfo) -> Result<Vec<ProjectionHealth>, DatabaseError> {
        let client = self.0.pool.get().await?;
        let members: Vec<&Member> = self.0.set.members().iter().collect();
        let found = checkpoints::load(&client, &self.0.set, &members).await?;
        let begun_at = *self.0.begun_at.get_or_init(|| log.last_position);
        let health = |member: &&Member| {
            let name = member.projection.name.clone();
            let checkpoint = found.iter().find(|checkpoint| checkpoint.projection == name);
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

    /// As [`Self::publish`], for those that can be read.
    pub(super) fn publish_readable(&self, found: &[Checkpoint]) {
        self.publish(found.iter().filter(|c| c.was_live).map(|c| (c.projection.as_str(), c.position)));
    }

    /// Tells everybody who waits how far projections are that can be read. Positions only grow.
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

    /// What all of them contain.
    fn reached(&self, positions: &BTreeMap<String, Position>) -> Position {
        let names = self.0.set.members().iter().map(|member| &member.projection.name);
        names.map(|name| positions.get(name).copied().unwrap_or(0)).min().unwrap_or(0)
    }

    fn behind(&self, positions: &BTreeMap<String, Position>, position: Position) -> Vec<String> {
        let names = self.0.set.members().iter().map(|member| &member.projection.name);
        names.filter(|name| positions.get(*name).copied().unwrap_or(0) < position).cloned().collect()
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
            Err(error) => tracing::warn!(%error, "can't read the projections' checkpoints"),
        }
    }
}
