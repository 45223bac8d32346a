//! Causes of events. The envelope of an event names the event in response to which a process wrote it.

use serde_json::{Value, json};

use crate::event_log::{EventLog, LogError, RecordedEvent};

/// Event in response to which a process wrote another event.
#[derive(Clone, Debug)]
pub struct Cause(RecordedEvent);

impl Cause {
    /// Returns the cause of an event from the log, or `None` if a person's command wrote the event.
    ///
    /// # Errors
    /// Fails if the log can't be read.
    pub async fn of(log: &EventLog, event: &RecordedEvent) -> Result<Option<Self>, LogError> {
        let Some(cause) = event.caused_by else {
            return Ok(None);
        };
        let found = log.at(cause.position).await?;
        Ok(found
            .filter(|found| found.event_id == cause.event_id)
            .map(Self))
    }

    /// Returns the cause in words.
    pub fn text(&self) -> String {
        let Self(event) = self;
        format!(
            "because of {} at {} ({} {})",
            event.event_type, event.position, event.aggregate, event.id
        )
    }

    /// Returns the cause as JSON.
    pub fn as_json(&self) -> Value {
        let Self(event) = self;
        json!({
            "position": event.position,
            "type": event.event_type,
            "aggregate": event.aggregate,
            "id": event.id,
        })
    }
}
