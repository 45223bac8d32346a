//! Message schedules on the stream `TIMERS` (ADR-51): what the server is to deliver later.
//!
//! A timer has one subject, on which setting it anew replaces what was there. When its time has come, the
//! server puts a message on another subject of the same stream, from where a durable consumer takes it.
//! Timers are a convenience: what is due is decided on the log, so a lost one is only set again.

use async_nats::HeaderMap;
use async_nats::jetstream::context::PublishError;
use bytes::Bytes;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::{EventLog, LogError};

const SCHEDULE: &str = "Nats-Schedule";
const TARGET: &str = "Nats-Schedule-Target";
const TARGET_TTL: &str = "Nats-Schedule-TTL";
const TTL: &str = "Nats-TTL";

/// How long what has become due is kept for a consumer that is away; after that, only the sweep finds it.
const KEPT: &str = "168h";

impl EventLog {
    /// Has `name` become due at a time; one that is past is due at once. Replaces the timer of that name.
    ///
    /// # Errors
    /// The server can't be reached, or doesn't take it.
    pub async fn set_timer(&self, name: &str, at: OffsetDateTime) -> Result<(), LogError> {
        let time = at.to_offset(UtcOffset::UTC).format(&Rfc3339);
        let time = time.map_err(|error| LogError::Unavailable(error.to_string()))?;
        let names = self.names();
        let mut headers = HeaderMap::new();
        headers.insert(SCHEDULE, format!("@at {time}"));
        headers.insert(TARGET, names.due(name));
        headers.insert(TARGET_TTL, KEPT);
        self.put_timer(names.timer(name), headers, Bytes::new()).await
    }

    /// Has `name` become due now, with something to say.
    ///
    /// # Errors
    /// The server can't be reached, or doesn't take it.
    pub async fn fire_timer(&self, name: &str, body: Bytes) -> Result<(), LogError> {
        let mut headers = HeaderMap::new();
        headers.insert(TTL, KEPT);
        self.put_timer(self.names().due(name), headers, body).await
    }

    async fn put_timer(&self, subject: String, headers: HeaderMap, body: Bytes) -> Result<(), LogError> {
        let unavailable = |error: PublishError| LogError::Unavailable(error.to_string());
        let acknowledged = self.context().publish_with_headers(subject, headers, body).await;
        acknowledged.map_err(unavailable)?.await.map_err(unavailable)?;
        Ok(())
    }
}
