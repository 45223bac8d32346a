//! Causes of events. The envelope of an event names the event in response to which a process wrote it.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::event_log::{EventLog, LogError, Position, RecordedEvent};

/// Causes of the events of one history. Each is read only once.
pub struct Causes<'h> {
    log: &'h EventLog,
    history: &'h [RecordedEvent],
    /// Causes that are not in the history, by position. `None` if the log has no such event.
    others: HashMap<Position, Option<RecordedEvent>>,
}

impl<'h> Causes<'h> {
    /// Creates the causes of `history`, which is in the order of the log.
    pub fn new(log: &'h EventLog, history: &'h [RecordedEvent]) -> Self {
        Self {
            log,
            history,
            others: HashMap::new(),
        }
    }

    /// Returns the cause of an event, or `None` if a person's command wrote the event, or if the
    /// log doesn't have the cause.
    ///
    /// # Errors
    /// Fails if the log can't be read.
    pub async fn of(&mut self, event: &RecordedEvent) -> Result<Option<Cause>, LogError> {
        let Some(cause) = event.caused_by else {
            return Ok(None);
        };
        let position = cause.position;
        let in_history = self
            .history
            .binary_search_by_key(&position, |event| event.position);
        let found = if let Ok(index) = in_history {
            Some(self.history[index].clone())
        } else if let Some(known) = self.others.get(&position) {
            known.clone()
        } else {
            let found = self.log.find_event_at(position).await?;
            self.others.insert(position, found.clone());
            found
        };
        let is_same = |found: &RecordedEvent| found.event_id == cause.event_id;
        Ok(found.filter(is_same).map(Cause))
    }
}

/// Event in response to which a process wrote another event.
#[derive(Clone, Debug)]
pub struct Cause(RecordedEvent);

impl Cause {
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
