//! Work that a worker has not finished: deliveries without an acknowledgement, and timers.

use super::retries::{consumer_of, timer_of};
use crate::event_log::{Durable, EventLog, LogError, Position};

/// Progress of a worker according to its consumers at one moment.
///
/// A worker records the outcome of an event, or sets a timer, before it acknowledges the event. So
/// work that this progress doesn't await has an outcome in the log, or was lost. Callers must read
/// the outcome after the progress.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    worker: &'static str,
    /// Position up to which all events are acknowledged.
    events: Position,
    /// Position in the stream of timers up to which all due timers of the worker are acknowledged.
    timers: Position,
}

impl Progress {
    /// Returns the current progress of a worker.
    ///
    /// # Errors
    /// The server can't be reached, or the worker has no consumers.
    pub async fn of(log: &EventLog, worker: &'static str) -> Result<Self, LogError> {
        let timers = Durable {
            stream: "TIMERS",
            name: &consumer_of(worker),
        };
        Ok(Self {
            worker,
            events: log.acknowledged(worker).await?,
            timers: log.ack_floor(timers).await?,
        })
    }

    /// Returns the name of the worker.
    #[must_use]
    pub const fn worker(&self) -> &'static str {
        self.worker
    }

    /// Returns the position up to which all events are acknowledged.
    #[must_use]
    pub const fn events(&self) -> Position {
        self.events
    }

    /// Returns true if the worker has the work of the event at `position`, or will get it: the
    /// delivery is not acknowledged, a timer is set, or a timer has fired and is not acknowledged.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn awaits(&self, log: &EventLog, position: Position) -> Result<bool, LogError> {
        if position > self.events {
            return Ok(true);
        }
        let names = log.names();
        let timer = timer_of(self.worker, position);
        // The server publishes the due message before it deletes the schedule. So the schedule is
        // read first.
        let schedule = names.timer(&timer);
        if log.last_kept(&names.timers(), &schedule).await?.is_some() {
            return Ok(true);
        }
        let due = log.last_kept(&names.timers(), &names.due(&timer)).await?;
        Ok(due.is_some_and(|(fired, _)| fired > self.timers))
    }
}
