//! Last positions of aggregates, in a state of the log that the caller requires.
//!
//! One replica answers a request for the last events of several subjects (`multi_last`). The end of
//! an answer with at least one event contains the last position of that replica. So each request
//! also asks for an event that the replica must have. If the replica's last position is not before
//! that event, the answer is valid for all subjects.
//!
//! For the leader's state, that event is the leader's last one. A leader that was replaced may
//! still answer for some seconds, so its last event must not be before the positions that this
//! process knows. In that time, newer events of other processes may be missing.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::availability::patiently;
use super::load::MAX_BYTES;
use super::{Consistency, EventLog, LogError, Position};

/// Maximum number of subjects per request, without the subject of the required event. The server
/// responds with at most 1024 messages.
const SUBJECTS_PER_REQUEST: usize = 1_000;
/// Time after which the leader is asked, because the answering replica still lags. A server that
/// has a replica answers its own clients from it, so a retry reaches the same replica.
pub(super) const LEADER_AFTER: Duration = Duration::from_secs(1);
/// Maximum number of concurrent requests to the leader.
const LEADER_AT_ONCE: usize = 64;

/// Event that a replica must have before its answer counts.
struct Floor {
    /// Subject of the event; `None` if any answer counts.
    subject: Option<String>,
    position: Position,
}

impl EventLog {
    /// Remembers that the log has an event at this position. All later reads of the leader's state
    /// include it.
    pub(crate) fn note_position(&self, position: Position) {
        self.shared.known.fetch_max(position, Ordering::Relaxed);
    }

    /// Returns the last position of an aggregate; 0 if it has no events.
    ///
    /// # Errors
    /// The server can't be reached, or no replica has the required state.
    pub async fn last_position(
        &self,
        aggregate: &str,
        id: &str,
        at: &Consistency,
    ) -> Result<Position, LogError> {
        let subject = self.names().aggregate(aggregate, id);
        let found = self.last_positions(&[subject], at).await?;
        Ok(found.into_values().next().unwrap_or(0))
    }

    /// Returns the last position of each subject that has events. One request finds up to 1000
    /// subjects.
    ///
    /// # Errors
    /// The server can't be reached, or no replica has the required state.
    pub async fn last_positions(
        &self,
        subjects: &[String],
        at: &Consistency,
    ) -> Result<HashMap<String, Position>, LogError> {
        if subjects.is_empty() {
            return Ok(HashMap::new());
        }
        let floor = &self.floor(at).await?;
        let some = |subjects| async move {
            let start = Instant::now();
            patiently(|wait| async move {
                match LEADER_AFTER.checked_sub(start.elapsed()) {
                    Some(left) => {
                        let wait = wait.min(left);
                        self.replica_positions(subjects, floor, wait).await
                    }
                    None => self.leader_positions(subjects, floor, wait).await,
                }
            })
            .await
        };
        let found = try_join_all(subjects.chunks(SUBJECTS_PER_REQUEST).map(some)).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Returns the event that an answer with this consistency must include. For the leader's
    /// state, it is the last event of the leader.
    async fn floor(&self, at: &Consistency) -> Result<Floor, LogError> {
        let cause = match at {
            Consistency::Any => {
                return Ok(Floor {
                    subject: None,
                    position: 0,
                });
            }
            Consistency::After(cause) => {
                return Ok(Floor {
                    subject: Some(self.names().aggregate(&cause.aggregate, &cause.id)),
                    position: cause.position,
                });
            }
            Consistency::Leader(cause) => cause,
        };
        let known = self.shared.known.load(Ordering::Relaxed);
        let known = known.max(cause.as_ref().map_or(0, |cause| cause.position));
        let floor = patiently(|wait| async move {
            let (subject, position) = self.leader_end(wait).await?.unzip();
            let position = position.unwrap_or(0);
            if position < known {
                return Err(lagging());
            }
            Ok(Floor { subject, position })
        })
        .await?;
        self.note_position(floor.position);
        Ok(floor)
    }

    /// Returns the last positions according to any replica. Fails if it lacks the event `floor`.
    async fn replica_positions(
        &self,
        subjects: &[String],
        floor: &Floor,
        wait: Duration,
    ) -> Result<HashMap<String, Position>, LogError> {
        let mut found = HashMap::with_capacity(subjects.len() + 1);
        // A replica that lacks the event would send a large answer in vain.
        if let Some(subject) = &floor.subject
            && subjects.len() > 1
        {
            let subject = &[subject.as_str()];
            self.multi_last(subject, floor.position, wait, &mut found)
                .await?;
            found.clear();
        }
        let extra = floor.subject.as_ref().filter(|own| !subjects.contains(own));
        let mut missing: Vec<&str> = subjects.iter().chain(extra).map(String::as_str).collect();
        let mut least = floor.position;
        while self.multi_last(&missing, least, wait, &mut found).await? > 0 {
            let before = missing.len();
            missing.retain(|subject| !found.contains_key(*subject));
            if missing.len() == before {
                return Err(lagging());
            }
            // The missing subjects have events. An answer without an event has position 0, so this
            // rejects a replica that lacks them.
            least = least.max(1);
        }
        if let Some(subject) = extra {
            found.remove(subject);
        }
        Ok(found)
    }

    /// Adds the last positions of some subjects to `found`, and returns the number of subjects that
    /// did not fit into the answer. Fails if the replica's last position is before `least`.
    async fn multi_last(
        &self,
        subjects: &[&str],
        least: Position,
        wait: Duration,
        found: &mut HashMap<String, Position>,
    ) -> Result<u64, LogError> {
        let ask = json!({
            "multi_last": subjects, "batch": subjects.len(), "max_bytes": MAX_BYTES,
        });
        let see = |subject: &str, position, _: &HeaderMap, _| {
            found.insert(subject.to_owned(), position);
            Ok(())
        };
        let end = self
            .direct_get(&self.names().events(), &ask, wait, see)
            .await?;
        if end.up_to < least {
            return Err(lagging());
        }
        Ok(end.pending)
    }

    /// Returns the last positions according to the leader. Fails if it lacks the event `floor`.
    ///
    /// The requests may be answered by different leaders, one of which was replaced. The event is
    /// checked before and after the other requests. This makes an answer of the replaced leader
    /// unlikely, but doesn't exclude it.
    async fn leader_positions(
        &self,
        subjects: &[String],
        floor: &Floor,
        wait: Duration,
    ) -> Result<HashMap<String, Position>, LogError> {
        self.check_leader(floor, wait).await?;
        let asked: Vec<_> = subjects
            .iter()
            .map(|subject| self.leader_position(subject, wait))
            .collect();
        let mut found: HashMap<String, Position> = stream::iter(asked)
            .buffer_unordered(LEADER_AT_ONCE)
            .try_collect()
            .await?;
        self.check_leader(floor, wait).await?;
        found.retain(|_, last| *last > 0);
        Ok(found)
    }

    /// Checks that the leader has the event `floor`.
    async fn check_leader(&self, floor: &Floor, wait: Duration) -> Result<(), LogError> {
        if let Some(subject) = &floor.subject
            && self.leader_position(subject, wait).await?.1 < floor.position
        {
            return Err(lagging());
        }
        Ok(())
    }

    async fn leader_position(
        &self,
        subject: &str,
        wait: Duration,
    ) -> Result<(String, Position), LogError> {
        let last = self.leader_last(subject, wait).await?;
        Ok((subject.to_owned(), last))
    }
}

/// Error of an answer that lacks an event which the caller knows.
pub(super) fn lagging() -> LogError {
    LogError::Unavailable("its answer lacks an event that is known".to_owned())
}
