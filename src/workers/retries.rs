//! Repetitions of failed work: each is a timer that contains the event's position and the earlier
//! failures. Every worker consumes its own timers.
//!
//! Times are those of nats-server, because it fires the timers. So clocks of processes aren't
//! compared.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::event_log::{EventLog, LogError, Position};

/// Delay before the first repetition. It doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// Longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// Work to be repeated, with its earlier failures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Retry {
    /// Position of the event.
    pub position: Position,
    /// Time of the first failure; `None` if the work has not failed since it was requested.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub first_failure: Option<OffsetDateTime>,
    /// Number of attempts so far.
    pub attempts: u32,
    /// Cause of the last failure, without personal data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// Id of the operator's request or of the task that repeats the work, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Uuid>,
}

impl Retry {
    /// Returns the timer of work that is requested again, without earlier failures.
    pub(super) fn requested(position: Position) -> Self {
        Self {
            position,
            first_failure: None,
            attempts: 1,
            cause: String::new(),
            request: Some(Uuid::new_v4()),
        }
    }

    /// Returns the time since the first failure.
    pub(super) fn age(&self, now: OffsetDateTime) -> time::Duration {
        self.first_failure
            .map_or(time::Duration::ZERO, |first| now - first)
    }

    /// Sets the timer.
    ///
    /// # Errors
    /// The server can't be reached, or refuses the message.
    pub(super) async fn set(
        &self,
        log: &EventLog,
        worker: &str,
        at: OffsetDateTime,
    ) -> Result<(), LogError> {
        log.set_timer_with(&timer_of(worker, self.position), at, self.body()?)
            .await
    }

    /// Fires the timer now.
    ///
    /// # Errors
    /// The server can't be reached, or refuses the message.
    pub(super) async fn fire(&self, log: &EventLog, worker: &str) -> Result<(), LogError> {
        log.fire_timer(&timer_of(worker, self.position), self.body()?)
            .await
    }

    fn body(&self) -> Result<Bytes, LogError> {
        let body = serde_json::to_vec(self);
        Ok(body
            .map_err(|error| LogError::Unavailable(error.to_string()))?
            .into())
    }
}

/// Lets a worker do the work of an event again. Doing it twice is harmless.
///
/// # Errors
/// The server can't be reached, or refuses the message.
pub async fn repeat(log: &EventLog, worker: &str, position: Position) -> Result<(), LogError> {
    Retry::requested(position).fire(log, worker).await
}

/// Returns the name of the timer that repeats the work of an event.
#[must_use]
pub fn timer_of(worker: &str, position: Position) -> String {
    format!("work.{worker}.{position}")
}

/// Returns the name of the consumer of a worker's timers.
pub(super) fn consumer_of(worker: &str) -> String {
    format!("{worker}_retries")
}

/// Returns the delay after a number of attempts. It varies by up to a quarter, so that works that
/// failed together are not all repeated together.
pub(super) fn delay(attempts: u32) -> Duration {
    let doubled = FIRST_DELAY * 2_u32.pow(attempts.saturating_sub(1).min(16));
    doubled
        .min(LONGEST_DELAY)
        .mul_f64(rand::random_range(0.75..=1.25))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_half_a_minute_and_vary() {
        for (attempts, seconds) in [(1, 1.0), (2, 2.0), (5, 16.0), (6, 30.0), (1_000, 30.0)] {
            let delay = delay(attempts).as_secs_f64();
            assert!(
                (0.75 * seconds..=1.25 * seconds).contains(&delay),
                "{attempts}: {delay}"
            );
        }
        assert!((0..20).any(|_| delay(9) != delay(9)));
    }
}
