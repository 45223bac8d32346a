//! Loading of aggregates by batch direct get (ADR-31), to which any replica may respond.
//!
//! A read has a [`Consistency`]. For all but [`Consistency::Any`], it consists of two steps:
//! 1. [`EventLog::last_positions`] finds the last position of each subject.
//! 2. [`EventLog::page`] reads the history of a subject until that position. A replica that is too
//!    old is asked again. After 1 s, the leader is asked.

use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use serde_json::json;

use super::availability::patiently;
use super::envelope::recorded;
use super::last_positions::{LEADER_AFTER, lagging};
use super::{Consistency, EventLog, LogError, Position, RecordedEvent};

/// Maximum number of events per request.
const PER_REQUEST: usize = 1_024;
/// Maximum number of bytes per request. It is far below the server's `max_pending`. Above that
/// limit, the server disconnects a client as a slow consumer.
pub(super) const MAX_BYTES: usize = 8 << 20;

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
        self.history(aggregate, id, after, last).await
    }

    /// Returns the events of an aggregate after a position and up to `until`, in order. Later
    /// events may be included. `until` must not be after the aggregate's last event.
    ///
    /// # Errors
    /// The server can't be reached, or the subject contains a message that is not an event.
    pub async fn history(
        &self,
        aggregate: &str,
        id: &str,
        after: Position,
        until: Position,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let mut events: Vec<RecordedEvent> = Vec::new();
        loop {
            let position = events.last().map_or(after, |event| event.position);
            if position >= until {
                return Ok(events);
            }
            events.extend(self.page(aggregate, id, position, until).await?);
        }
    }

    /// Returns the first event of an aggregate. `known` is the position of one of its events.
    ///
    /// # Errors
    /// The server can't be reached, or the subject contains a message that is not an event.
    pub async fn first(
        &self,
        aggregate: &str,
        id: &str,
        known: Position,
    ) -> Result<RecordedEvent, LogError> {
        let subject = self.names().aggregate(aggregate, id);
        let first = self.events_until(&subject, 0, known, 1).await?;
        first.into_iter().next().ok_or_else(lagging)
    }

    /// Returns the next events of an aggregate after the position `after`, in order: 1 to 1024
    /// events. `until` must be after `after`, but not after the aggregate's last event. So the
    /// caller can fold a history of any length page by page in constant memory.
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
        let subject = self.names().aggregate(aggregate, id);
        self.events_until(&subject, after, until, PER_REQUEST).await
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
        patiently(|wait| self.next_events(&subject, after, PER_REQUEST, wait)).await
    }

    /// Returns at least one and up to `most` events of a subject after the position `after`.
    /// `until` must be after `after`, but not after the subject's last event.
    async fn events_until(
        &self,
        subject: &str,
        after: Position,
        until: Position,
        most: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let start = Instant::now();
        patiently(|wait| async move {
            let events = match LEADER_AFTER.checked_sub(start.elapsed()) {
                Some(left) => {
                    let wait = wait.min(left);
                    self.next_events(subject, after, most, wait).await?.0
                }
                None => {
                    self.leader_events(subject, after, until, most, wait)
                        .await?
                }
            };
            if events.is_empty() {
                return Err(lagging());
            }
            Ok(events)
        })
        .await
    }

    async fn next_events(
        &self,
        subject: &str,
        after: Position,
        most: usize,
        wait: Duration,
    ) -> Result<(Vec<RecordedEvent>, bool), LogError> {
        let ask = json!({
            "next_by_subj": subject, "seq": after + 1, "batch": most, "max_bytes": MAX_BYTES,
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
        if let Some(last) = events.last() {
            self.note_position(last.position);
        }
        let more = end.pending > 0 && !events.is_empty();
        Ok((events, more))
    }

    /// Reads up to `most` events of a subject from the leader, one by one. Starts after the
    /// position `after` and ends with the first event at or after `until`.
    async fn leader_events(
        &self,
        subject: &str,
        after: Position,
        until: Position,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let mut events: Vec<RecordedEvent> = Vec::new();
        while events.len() < most {
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
