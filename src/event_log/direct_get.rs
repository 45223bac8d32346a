//! Batch direct get (ADR-31): a request for several messages of a stream.

use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::Value;

use super::availability::why_nobody_answers;
use super::{EventLog, LogError, Position};

const SUBJECT: &str = "Nats-Subject";
const SEQUENCE: &str = "Nats-Sequence";
const PENDING: &str = "Nats-Num-Pending";
const UP_TO: &str = "Nats-UpTo-Sequence";

/// End of the response to a direct get.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct End {
    /// Number of messages that remain, because the limits of the request were reached.
    pub pending: u64,
    /// Last position of the replica. The server sends it only for `multi_last`.
    pub up_to: Position,
}

impl EventLog {
    /// Requests messages of a stream and calls `see` for each, with subject, position, headers and
    /// body. Each message must arrive within `wait` after the previous one.
    pub(super) async fn direct_get(
        &self,
        stream: &str,
        ask: &Value,
        wait: Duration,
        mut see: impl FnMut(&str, Position, &HeaderMap, Bytes) -> Result<(), LogError>,
    ) -> Result<End, LogError> {
        let client = &self.shared.client;
        let inbox = client.new_inbox();
        let mut answers = client.subscribe(inbox.clone()).await?;
        let api = format!("$JS.API.DIRECT.GET.{stream}");
        client
            .publish_with_reply(api, inbox, ask.to_string().into())
            .await?;
        let mut is_empty = true;
        loop {
            let next = tokio::time::timeout(wait, answers.next()).await;
            let Ok(Some(message)) = next else {
                return Err(LogError::Unavailable(
                    "the server did not respond to a direct get in time".to_owned(),
                ));
            };
            if let Some(status) = message.status {
                return match status.as_u16() {
                    204 => Ok(End::of(message.headers.as_ref())),
                    // The status 404 means that no message matches. After a message, it means that
                    // the server can't load the next one.
                    404 if is_empty => Ok(End::default()),
                    503 => Err(why_nobody_answers(client, stream).await),
                    other => Err(LogError::Unavailable(format!(
                        "the response to a direct get has status {other}"
                    ))),
                };
            }
            let headers = message.headers.unwrap_or_default();
            let sequence = headers.get(SEQUENCE).and_then(|v| v.as_str().parse().ok());
            let (Some(position), Some(subject)) = (sequence, headers.get(SUBJECT)) else {
                return Err(LogError::Unavailable(
                    "the response to a direct get lacks its sequence or subject".to_owned(),
                ));
            };
            see(subject.as_str(), position, &headers, message.payload)?;
            is_empty = false;
        }
    }
}

impl End {
    fn of(headers: Option<&HeaderMap>) -> Self {
        let number = |name| {
            let value = headers.and_then(|headers| headers.get(name));
            value.and_then(|value| value.as_str().parse().ok())
        };
        Self {
            pending: number(PENDING).unwrap_or(0),
            up_to: number(UP_TO).unwrap_or(0),
        }
    }
}
