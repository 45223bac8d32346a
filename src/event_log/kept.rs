//! Stored messages of the streams other than the log.

use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use serde_json::json;

use super::availability::patiently;
use super::{EventLog, LogError, Position};

/// Maximum number of messages per request.
const PER_REQUEST: usize = 1_000;

impl EventLog {
    /// Returns up to `most` messages of a stream on a subject (or a wildcard), in order. The answering
    /// replica may lag.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn kept(
        &self,
        stream: &str,
        subject: &str,
        most: usize,
    ) -> Result<Vec<(Position, Bytes)>, LogError> {
        patiently(|wait| self.kept_within(stream, subject, most, wait)).await
    }

    async fn kept_within(
        &self,
        stream: &str,
        subject: &str,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<(Position, Bytes)>, LogError> {
        let mut kept: Vec<(Position, Bytes)> = Vec::new();
        loop {
            let after = kept.last().map_or(0, |(position, _)| *position);
            let batch = PER_REQUEST.min(most - kept.len());
            let ask = json!({ "next_by_subj": subject, "seq": after + 1, "batch": batch });
            let before = kept.len();
            let see = |_: &str, position, _: &HeaderMap, body: Bytes| {
                kept.push((position, body));
                Ok(())
            };
            let more = self.direct_get(stream, &ask, wait, see).await?;
            if !more || kept.len() == before || kept.len() >= most {
                return Ok(kept);
            }
        }
    }
}
