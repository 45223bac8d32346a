//! Loading of aggregates by batch direct get (ADR-31), to which any replica may respond.
//!
//! A read has a [`Consistency`]. For all but [`Consistency::Any`], it consists of two steps:
//! 1. [`EventLog::last_positions`] finds the last position of each subject. A replica that is too
//!    old is asked again. After 1 s, the leader is asked.
//! 2. [`EventLog::page`] reads the history of a subject until that position, in the same way.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::availability::patiently;
use super::envelope::recorded;
use super::{Cause, Consistency, EventLog, LogError, Position, RecordedEvent};

/// Maximum number of events per request.
const PER_REQUEST: usize = 1_024;
/// Maximum number of bytes per request. It is far below the server's `max_pending`. Above that
/// limit, the server disconnects a client as a slow consumer.
const MAX_BYTES: usize = 8 << 20;
/// Maximum number of subjects per request, without the subject of the cause. The server responds
/// with at most 1024 messages.
const SUBJECTS_PER_REQUEST: usize = 1_000;
/// Time after which the leader is asked, because the replica that answers is still too old. A
/// server always answers its own clients with its own replica.
const LEADER_AFTER: Duration = Duration::from_secs(1);
/// Maximum number of concurrent requests to the leader.
const LEADER_AT_ONCE: usize = 64;

/// Event that a replica must have before its answer counts.
struct Floor {
    /// Subject of the event; `None` if any answer counts.
    subject: Option<String>,
    position: Position,
}

impl EventLog {
    /// Returns the events of one aggregate after a position, in order. The result is empty if there
    /// are no such events. It contains all events that the leader has at the time of the call.
    ///
    /// # Errors
    /// The server can't be reached, or the subject contains a message that is not an event.
    pub async fn load(
        &self,
        aggregate: &str,
        id: &str,
        after: Position,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let at = Consistency::Leader(None);
        let last = self.last_position(aggregate, id, &at).await?;
        let mut events: Vec<RecordedEvent> = Vec::new();
        loop {
            let position = events.last().map_or(after, |event| event.position);
            if position >= last {
                return Ok(events);
            }
            events.extend(self.page(aggregate, id, position, last).await?);
        }
    }

    /// Returns the first event of an aggregate, if any.
    ///
    /// # Errors
    /// The server can't be reached, or the subject contains a message that is not an event.
    pub async fn first(
        &self,
        aggregate: &str,
        id: &str,
    ) -> Result<Option<RecordedEvent>, LogError> {
        let at = Consistency::Leader(None);
        match self.last_position(aggregate, id, &at).await? {
            0 => Ok(None),
            last => Ok(self.page(aggregate, id, 0, last).await?.into_iter().next()),
        }
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
        // One request to the leader is cheaper than two.
        if let (Consistency::Leader(cause), [_]) = (at, subjects) {
            let floor = &self.floor_of(cause.as_ref());
            return patiently(|wait| self.leader_positions(subjects, floor, wait)).await;
        }
        let floor = &self.floor(at).await?;
        let some = |subjects| async move {
            let start = Instant::now();
            patiently(|wait| async move {
                if start.elapsed() < LEADER_AFTER {
                    self.replica_positions(subjects, floor, wait).await
                } else {
                    self.leader_positions(subjects, floor, wait).await
                }
            })
            .await
        };
        let found = try_join_all(subjects.chunks(SUBJECTS_PER_REQUEST).map(some)).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Returns some events of an aggregate after a position, in order, and at least one. `until` is
    /// the position of one of its events, which is after `after`. So the caller can fold a history
    /// of any length page by page in constant memory.
    ///
    /// # Errors
    /// The server can't be reached, or the subject contains a message that is not an event.
    pub async fn page(
        &self,
        aggregate: &str,
        id: &str,
        after: Position,
        until: Position,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let subject = &self.names().aggregate(aggregate, id);
        let start = Instant::now();
        patiently(|wait| async move {
            let events = if start.elapsed() < LEADER_AFTER {
                self.next_events(subject, after, wait).await?.0
            } else {
                self.leader_events(subject, after, until, wait).await?
            };
            if events.is_empty() {
                return Err(lagging());
            }
            Ok(events)
        })
        .await
    }

    /// Returns one page of an aggregate's events after a position from any replica, and true if the
    /// replica has more.
    ///
    /// # Errors
    /// The server can't be reached, or the subject contains a message that is not an event.
    pub(crate) async fn any_page(
        &self,
        aggregate: &str,
        id: &str,
        after: Position,
    ) -> Result<(Vec<RecordedEvent>, bool), LogError> {
        let subject = self.names().aggregate(aggregate, id);
        patiently(|wait| self.next_events(&subject, after, wait)).await
    }

    /// Returns the event that an answer with this consistency must include. For the leader's
    /// state, it is the last event of the leader.
    async fn floor(&self, at: &Consistency) -> Result<Floor, LogError> {
        match at {
            Consistency::Any => Ok(self.floor_of(None)),
            Consistency::After(cause) => Ok(self.floor_of(Some(cause))),
            Consistency::Leader(cause) => {
                let known = cause.as_ref().map_or(0, |cause| cause.position);
                patiently(|wait| async move {
                    let end = self.leader_end(wait).await?;
                    let (subject, position) = end.unzip();
                    let position = position.unwrap_or(0);
                    if position < known {
                        return Err(lagging());
                    }
                    Ok(Floor { subject, position })
                })
                .await
            }
        }
    }

    fn floor_of(&self, cause: Option<&Cause>) -> Floor {
        Floor {
            subject: cause.map(|cause| self.names().aggregate(&cause.aggregate, &cause.id)),
            position: cause.map_or(0, |cause| cause.position),
        }
    }

    /// Returns the last positions according to any replica. Fails if it lacks the event `floor`.
    async fn replica_positions(
        &self,
        subjects: &[String],
        floor: &Floor,
        wait: Duration,
    ) -> Result<HashMap<String, Position>, LogError> {
        let extra = floor.subject.as_ref().filter(|own| !subjects.contains(own));
        let asked: Vec<&String> = subjects.iter().chain(extra).collect();
        let mut ask = json!({ "multi_last": asked, "batch": PER_REQUEST, "max_bytes": MAX_BYTES });
        let mut found = HashMap::with_capacity(subjects.len());
        loop {
            let mut last = 0;
            let see = |subject: &str, position, _: &HeaderMap, _| {
                found.insert(subject.to_owned(), position);
                last = position;
                Ok(())
            };
            let end = self
                .direct_get(&self.names().events(), &ask, wait, see)
                .await?;
            if end.up_to < floor.position {
                return Err(lagging());
            }
            if end.pending == 0 || last == 0 {
                break;
            }
            // The messages come in the order of their positions.
            ask["seq"] = (last + 1).into();
            ask["up_to_seq"] = end.up_to.into();
        }
        if let Some(subject) = extra {
            found.remove(subject);
        }
        Ok(found)
    }

    /// Returns the last positions according to the leader. Fails if it lacks the event `floor`.
    async fn leader_positions(
        &self,
        subjects: &[String],
        floor: &Floor,
        wait: Duration,
    ) -> Result<HashMap<String, Position>, LogError> {
        let extra = floor.subject.as_ref().filter(|own| !subjects.contains(own));
        let mut asked = Vec::with_capacity(subjects.len() + 1);
        for subject in subjects.iter().chain(extra) {
            asked.push(self.leader_position(subject.clone(), wait));
        }
        let mut found: HashMap<String, Position> = stream::iter(asked)
            .buffer_unordered(LEADER_AT_ONCE)
            .try_collect()
            .await?;
        if let Some(subject) = &floor.subject
            && found.get(subject).is_none_or(|last| *last < floor.position)
        {
            return Err(lagging());
        }
        if let Some(subject) = extra {
            found.remove(subject);
        }
        found.retain(|_, last| *last > 0);
        Ok(found)
    }

    async fn leader_position(
        &self,
        subject: String,
        wait: Duration,
    ) -> Result<(String, Position), LogError> {
        let last = self.leader_last(&subject, wait).await?;
        Ok((subject, last))
    }

    async fn next_events(
        &self,
        subject: &str,
        after: Position,
        wait: Duration,
    ) -> Result<(Vec<RecordedEvent>, bool), LogError> {
        let ask = json!({
            "next_by_subj": subject, "seq": after + 1, "batch": PER_REQUEST, "max_bytes": MAX_BYTES,
        });
        let mut events = Vec::new();
        let see = |subject: &str, position, headers: &HeaderMap, body| {
            events.push(recorded(
                &self.shared.names,
                subject,
                position,
                headers,
                body,
            )?);
            Ok(())
        };
        let end = self
            .direct_get(&self.shared.names.events(), &ask, wait, see)
            .await?;
        let more = end.pending > 0 && !events.is_empty();
        Ok((events, more))
    }

    /// Returns the events of a subject after a position and up to `until` from the leader, one by
    /// one.
    async fn leader_events(
        &self,
        subject: &str,
        after: Position,
        until: Position,
        wait: Duration,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let mut events: Vec<RecordedEvent> = Vec::new();
        while events.len() < PER_REQUEST {
            let position = events.last().map_or(after, |event| event.position);
            if position >= until {
                break;
            }
            match self.leader_next(subject, position, wait).await? {
                Some(event) => events.push(event),
                None => break,
            }
        }
        Ok(events)
    }
}

/// Error of an answer that lacks an event which the caller knows.
fn lagging() -> LogError {
    LogError::Unavailable("a replica lags and lacks an event that is known".to_owned())
}
