//! Repetitions of failed work: each is a timer that contains the event's position and the earlier
//! failures. Every worker consumes its own timers.
//!
//! Times are those of nats-server, because it fires the timers. So clocks of processes aren't
//! compared. The time for which work fails is a sum of durations, so pauses don't count.

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

/// Maximum time that one attempt adds to the time for which work has been failing. A longer attempt
/// has made progress.
const LONGEST_COUNTED: Duration = Duration::from_secs(120);
/// Version of the format of timers. Raise it if older programs must not read a new format.
const VERSION: u32 = 1;

/// Work to be repeated, with its earlier failures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Retry {
    /// Version of the format.
    version: u32,
    /// Position of the event.
    pub position: Position,
    /// Time for which the work has been failing; `None` if it has not failed since it was
    /// requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failing_ms: Option<u64>,
    /// Number of attempts so far.
    pub attempts: u32,
    /// Cause of the last failure, without personal data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    cause: String,
    /// Id of the operator's request or of the task that repeats the work, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Uuid>,
}

impl Retry {
    /// Returns the work of an event that no timer has repeated yet: without attempts and failures.
    pub(super) const fn of_event(position: Position) -> Self {
        Self {
            version: VERSION,
            position,
            failing_ms: None,
            attempts: 0,
            cause: String::new(),
            request: None,
        }
    }

    /// Returns the timer of work that is requested again, without earlier failures.
    pub(super) fn requested(position: Position) -> Self {
        Self {
            attempts: 1,
            request: Some(Uuid::new_v4()),
            ..Self::of_event(position)
        }
    }

    /// Decodes a timer.
    ///
    /// # Errors
    /// The version, if it is that of a newer program; otherwise `None`.
    pub(super) fn decode(body: &[u8]) -> Result<Self, Option<u32>> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(body).map_err(|_| None)?;
        if version > VERSION {
            return Err(Some(version));
        }
        serde_json::from_slice(body).map_err(|_| None)
    }

    /// Returns the timer of the next attempt. `attempts` is the number of attempts so far.
    pub(super) fn again(&self, attempts: u32, failing: Option<Duration>, cause: &str) -> Self {
        Self {
            failing_ms: failing
                .map(|failing| u64::try_from(failing.as_millis()).unwrap_or(u64::MAX)),
            attempts,
            cause: cause.to_owned(),
            ..self.clone()
        }
    }

    /// Returns the time for which the work has been failing, if it has.
    pub(super) fn failing(&self) -> Option<Duration> {
        self.failing_ms.map(Duration::from_millis)
    }

    /// Returns the time for which the work has been failing after another failed attempt, which
    /// took the time `attempt`. It is 0 after the first failed attempt.
    pub(super) fn failing_after(&self, attempt: Duration) -> Duration {
        self.failing().map_or(Duration::ZERO, |failing| {
            failing + attempt.min(LONGEST_COUNTED)
        })
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

/// Lets a worker do the work of an event again. It is harmless if the work is done twice.
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

/// Returns the delay after a number of attempts. It varies by up to a quarter, so that items
/// that failed together are not all repeated together.
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
    fn only_failing_time_counts() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        let first = Retry::of_event(7);
        assert_eq!(first.failing_after(minutes(5)), Duration::ZERO);
        let delay = Duration::from_secs(1);
        let second = first.again(1, Some(delay), "BUSY");
        // An attempt of an hour has made progress.
        assert_eq!(second.failing_after(minutes(65)), delay + minutes(2));
        let waiting = second.again(2, second.failing(), "the server is busy");
        assert_eq!(waiting.failing(), Some(delay), "a wait costs nothing");
        let requested = Retry::requested(7);
        assert_eq!(requested.failing(), None);
    }

    #[test]
    fn timer_of_a_newer_program_is_distinguished_from_an_invalid_one() {
        let retry = Retry::requested(7).again(3, None, "BUSY");
        let body = serde_json::to_value(&retry).expect("JSON");
        let decode = |body: &serde_json::Value| Retry::decode(body.to_string().as_bytes());
        assert_eq!(decode(&body), Ok(retry));
        let newer = serde_json::json!({ "version": 2, "work": [7] });
        assert_eq!(decode(&newer), Err(Some(2)));
        for invalid in [
            serde_json::json!({ "version": 1 }),
            serde_json::json!({ "position": 7 }),
        ] {
            assert_eq!(decode(&invalid), Err(None));
        }
    }

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
