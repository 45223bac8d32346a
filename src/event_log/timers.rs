//! Message schedules on the stream `TIMERS` (ADR-51).
//!
//! Each timer has its own subject. Setting it again replaces the previous schedule. When it is due,
//! the server publishes a message on another subject of the same stream, which a durable consumer
//! reads. Timers are an optimisation: the log decides what is due, and scheduled tasks set lost
//! timers again.

use async_nats::HeaderMap;
use async_nats::jetstream::context::PublishError;
use bytes::Bytes;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::{EventLog, LogError, Position};

const SCHEDULE: &str = "Nats-Schedule";
const TARGET: &str = "Nats-Schedule-Target";
const TARGET_TTL: &str = "Nats-Schedule-TTL";
const TTL: &str = "Nats-TTL";

/// Time to live of due messages and of numbers of crashes. If no consumer reads a due message in
/// this time, only the scheduled tasks `due_mails` and `stuck_work` find its work.
const KEPT: &str = "168h";

impl EventLog {
    /// Sets the timer `name` to fire at a time. If the time is past, it fires immediately. Replaces
    /// a timer with the same name.
    ///
    /// # Errors
    /// The server can't be reached, or refuses the message.
    pub async fn set_timer(&self, name: &str, at: OffsetDateTime) -> Result<(), LogError> {
        self.set_timer_with(name, at, Bytes::new()).await
    }

    /// Like [`Self::set_timer`]. The timer fires with the message `body`.
    ///
    /// # Errors
    /// See [`Self::set_timer`].
    pub async fn set_timer_with(
        &self,
        name: &str,
        at: OffsetDateTime,
        body: Bytes,
    ) -> Result<(), LogError> {
        let time = at.to_offset(UtcOffset::UTC).format(&Rfc3339);
        let time = time.map_err(|error| LogError::Unavailable(error.to_string()))?;
        let names = self.names();
        let mut headers = HeaderMap::new();
        headers.insert(SCHEDULE, format!("@at {time}"));
        headers.insert(TARGET, names.due(name));
        headers.insert(TARGET_TTL, KEPT);
        self.put_timer(names.timer(name), headers, body).await
    }

    /// Fires the timer `name` now, with the message `body`.
    ///
    /// # Errors
    /// The server can't be reached, or refuses the message.
    pub async fn fire_timer(&self, name: &str, body: Bytes) -> Result<(), LogError> {
        let mut headers = HeaderMap::new();
        headers.insert(TTL, KEPT);
        self.put_timer(self.names().due(name), headers, body).await
    }

    /// Returns the time of the server that fires the timers.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn time_of_timers(&self) -> Result<OffsetDateTime, LogError> {
        let stream = self.names().timers();
        let info = self
            .api(&format!("STREAM.INFO.{stream}"), &json!({}))
            .await?;
        let time = info["ts"].as_str().unwrap_or_default();
        OffsetDateTime::parse(time, &Rfc3339)
            .map_err(|_| LogError::Unavailable("the server's response contains no time".to_owned()))
    }

    /// Stores the number of crashes of a worker at an event, for a week.
    ///
    /// # Errors
    /// The server can't be reached, or refuses the message.
    pub async fn set_crashes(
        &self,
        worker: &str,
        position: Position,
        count: u32,
    ) -> Result<(), LogError> {
        let mut headers = HeaderMap::new();
        headers.insert(TTL, KEPT);
        let body = Bytes::from(count.to_string());
        self.put_timer(self.names().crashes(worker, position), headers, body)
            .await
    }

    /// Returns the number of crashes that was last stored, or 0.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn crashes(&self, worker: &str, position: Position) -> Result<u32, LogError> {
        let names = self.names();
        let subject = names.crashes(worker, position);
        let stored = self.last_kept(&names.timers(), &subject).await?;
        let count = stored.map(|(_, body)| String::from_utf8_lossy(&body).into_owned());
        Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
    }

    async fn put_timer(
        &self,
        subject: String,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(), LogError> {
        let unavailable = |error: PublishError| LogError::Unavailable(error.to_string());
        let acknowledged = self
            .context()
            .publish_with_headers(subject, headers, body)
            .await;
        acknowledged
            .map_err(unavailable)?
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}
