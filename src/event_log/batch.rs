//! JetStream's wire protocol for publishing: a single message or an atomic batch (ADR-50).
//!
//! async-nats has no publisher for atomic batches, so this module sets the headers itself.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{self, response::Response};
use async_nats::{Client, HeaderMap, HeaderName, Request, RequestErrorKind};
use bytes::Bytes;
use serde::Deserialize;

use super::availability::why_nobody_answers;
use super::error::NOT_NOW;
use super::writable::Written;
use super::{LogError, Names, NewEvent, Position};

/// Maximum number of messages in one atomic batch, a limit of the server.
pub const MAX_BATCH: usize = 1_000;

// Created once. A name that is passed as a string would be allocated for each message.
static EXPECTED: HeaderName = HeaderName::from_static("Nats-Expected-Last-Subject-Sequence");
static BATCH_ID: HeaderName = HeaderName::from_static("Nats-Batch-Id");
static BATCH_SEQUENCE: HeaderName = HeaderName::from_static("Nats-Batch-Sequence");
static BATCH_COMMIT: HeaderName = HeaderName::from_static("Nats-Batch-Commit");

/// Timeout for a response. After it, the outcome is unknown.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Message to publish. Its headers are created when it is sent, because creating or cloning a
/// header map takes about 30 allocations.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) subject: String,
    /// Expected last sequence of the subject. Set only on the first message of a subject in a
    /// batch.
    pub(crate) expected: Option<Position>,
    pub(crate) event: NewEvent,
}

/// Error of publishing. The variants differ in what the caller can do.
#[derive(Debug)]
pub(crate) enum PublishError {
    /// An expected sequence did not match; nothing was written.
    Conflict,
    /// Nothing was written. In a cluster, another message is being written to the same subject, so
    /// the server can't check the expected sequence yet.
    InFlight,
    /// Nothing was written. The caller may publish the same message again after a pause.
    NotNow(LogError),
    /// Nothing was written, and a retry can't help.
    Refused(LogError),
    /// The server gave no response, or an ambiguous one. The messages may have been written.
    Unknown(String),
}

#[derive(Deserialize)]
struct Ack {
    seq: Position,
}

/// Publisher for one stream.
pub(crate) struct Publisher {
    client: Client,
    stream: String,
    /// Value of `ce-source` in every event.
    source: String,
    /// Outcomes of this process's last writes to the log.
    pub(super) written: Arc<Written>,
}

impl Publisher {
    pub(super) fn new(
        client: Client,
        stream: String,
        names: &Names,
        written: Arc<Written>,
    ) -> Self {
        Self {
            client,
            stream,
            source: names.source(),
            written,
        }
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Publishes one message, waits for the acknowledgement and returns its position.
    pub(crate) async fn one(&self, message: &Outgoing) -> Result<Position, PublishError> {
        self.request(
            &message.subject,
            self.headers(message),
            message.event.body.clone(),
        )
        .await
    }

    /// Publishes all messages or none. Returns the position of the last one.
    pub(crate) async fn batch(
        &self,
        batch_id: &str,
        messages: &[&Outgoing],
    ) -> Result<Position, PublishError> {
        let Some((last, first)) = messages.split_last() else {
            return Err(PublishError::Refused(LogError::Unavailable(
                "an empty batch".to_owned(),
            )));
        };
        for (index, message) in first.iter().enumerate() {
            let headers = self.batch_headers(message, batch_id, index + 1);
            self.client
                .publish_with_headers(message.subject.clone(), headers, message.event.body.clone())
                .await
                .map_err(|error| PublishError::Refused(error.into()))?;
        }
        let mut headers = self.batch_headers(last, batch_id, messages.len());
        headers.insert(BATCH_COMMIT.clone(), "1");
        self.request(&last.subject, headers, last.event.body.clone())
            .await
    }

    fn headers(&self, message: &Outgoing) -> HeaderMap {
        let mut headers = message.event.headers(&self.source);
        if let Some(expected) = message.expected {
            headers.insert(EXPECTED.clone(), expected.to_string());
        }
        headers
    }

    fn batch_headers(&self, message: &Outgoing, batch_id: &str, sequence: usize) -> HeaderMap {
        let mut headers = self.headers(message);
        headers.insert(BATCH_ID.clone(), batch_id);
        headers.insert(BATCH_SEQUENCE.clone(), sequence.to_string());
        headers
    }

    async fn request(
        &self,
        subject: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Position, PublishError> {
        let request = Request::new()
            .headers(headers)
            .payload(body)
            .timeout(Some(ANSWER_WITHIN));
        let answer = match self.client.send_request(subject.to_owned(), request).await {
            Ok(answer) => answer,
            Err(error) => {
                return Err(match error.kind() {
                    RequestErrorKind::NoResponders => self.no_responders().await,
                    // The client rejected the message before sending it, so a retry can't help.
                    RequestErrorKind::MaxPayloadExceeded | RequestErrorKind::InvalidSubject => {
                        PublishError::Refused(error.into())
                    }
                    RequestErrorKind::TimedOut | RequestErrorKind::Other => {
                        PublishError::Unknown(error.to_string())
                    }
                });
            }
        };
        match serde_json::from_slice::<Response<Ack>>(&answer.payload) {
            Ok(Response::Ok(ack)) => Ok(ack.seq),
            Ok(Response::Err { error }) => Err(meaning(&error)),
            Err(error) => Err(PublishError::Unknown(format!(
                "the server's response is not readable: {error}"
            ))),
        }
    }

    /// Classifies a "no responders" error. Only the leader subscribes to the stream's subjects, so
    /// the message was not written.
    async fn no_responders(&self) -> PublishError {
        match why_nobody_answers(&self.client, &self.stream).await {
            error @ LogError::NotProvisioned => PublishError::Refused(error),
            error => PublishError::NotNow(error),
        }
    }
}

/// Classifies an error response of JetStream.
fn meaning(error: &jetstream::Error) -> PublishError {
    match error.error_code().0 {
        // Wrong last sequence: it differs from that of the stored messages.
        10_071 => PublishError::Conflict,
        // Also a wrong last sequence: the subject has a message that has not been applied yet.
        10_164 => PublishError::InFlight,
        // Limits of the account, the memory or the storage are reached. An operator raises them.
        10_002 | 10_028 | 10_047 => PublishError::NotNow(LogError::Unavailable(error.to_string())),
        code if NOT_NOW.contains(&code) => PublishError::NotNow(error.into()),
        // Storing failed, or insufficient storage. The server may send this error although some
        // replicas have the message, and for a batch that is completed after a restart.
        10_023 | 10_077 => PublishError::Unknown(error.to_string()),
        _ => PublishError::Refused(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u64, status: u16) -> PublishError {
        let json = serde_json::json!({ "code": status, "err_code": code, "description": "why" });
        meaning(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn only_certainly_unwritten_commits_are_refused_or_retried() {
        assert!(matches!(answer(10_071, 400), PublishError::Conflict));
        assert!(matches!(answer(10_164, 400), PublishError::InFlight));
        for code in [
            10_008, 10_163, 10_176, 10_210, 10_039, 10_118, 10_002, 10_028, 10_047,
        ] {
            assert!(
                matches!(answer(code, 503), PublishError::NotNow(_)),
                "{code}"
            );
        }
        for code in [10_023, 10_077] {
            assert!(
                matches!(answer(code, 503), PublishError::Unknown(_)),
                "{code}"
            );
        }
        // Atomic publish disabled; message too large; an unknown code.
        for code in [10_174, 10_054, 19_999] {
            assert!(
                matches!(answer(code, 400), PublishError::Refused(_)),
                "{code}"
            );
        }
    }
}
