//! JetStream's wire protocol for publishing: one message, or an atomic batch (ADR-50).
//!
//! async-nats has no publisher for atomic batches, so the headers are set here.

use std::time::Duration;

use async_nats::jetstream::{self, response::Response};
use async_nats::{Client, HeaderMap, HeaderName, Request, RequestErrorKind};
use bytes::Bytes;
use serde::Deserialize;

use super::availability::why_nobody_answers;
use super::{LogError, Names, NewEvent, Position};

/// The most messages that the server takes in one atomic batch.
pub const MAX_BATCH: usize = 1_000;

// Names made once: as texts they would be allocated for each message.
static EXPECTED: HeaderName = HeaderName::from_static("Nats-Expected-Last-Subject-Sequence");
static BATCH_ID: HeaderName = HeaderName::from_static("Nats-Batch-Id");
static BATCH_SEQUENCE: HeaderName = HeaderName::from_static("Nats-Batch-Sequence");
static BATCH_COMMIT: HeaderName = HeaderName::from_static("Nats-Batch-Commit");

/// How long an answer may take before the outcome counts as unknown.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// One message that is to go over the wire. Its headers are made when it does: a header map is some
/// thirty allocations, and a copy of one as many again.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) subject: String,
    /// The last sequence that the subject must have; only on a subject's first message in a batch.
    pub(crate) expected: Option<Position>,
    pub(crate) event: NewEvent,
}

/// What the server said to a publish.
#[derive(Debug)]
pub(crate) enum PublishError {
    /// An expectation did not hold; nothing was written.
    Conflict,
    /// Nothing was written, because in a cluster something else is just being written to a subject.
    /// Whether the expectation holds will show in a moment.
    InFlight,
    /// Nothing was written, and the same may be written a little later.
    NotNow(LogError),
    /// Nothing was written.
    Refused(LogError),
    /// No answer, or one that doesn't tell: it may be there, or not.
    Unknown(String),
}

#[derive(Deserialize)]
struct Ack {
    seq: Position,
}

/// Publishes to one stream.
pub(crate) struct Publisher {
    client: Client,
    stream: String,
    /// The `ce-source` of every event.
    source: String,
}

impl Publisher {
    pub(crate) fn new(client: Client, names: &Names) -> Self {
        Self { client, stream: names.events(), source: names.source() }
    }

    /// Publishes one message and waits until the server has it.
    pub(crate) async fn one(&self, message: &Outgoing) -> Result<Position, PublishError> {
        self.request(&message.subject, self.headers(message), message.event.body.clone()).await
    }

    /// Publishes all messages or none; answers with the position of the last.
    pub(crate) async fn batch(
        &self,
        batch_id: &str,
        messages: &[&Outgoing],
    ) -> Result<Position, PublishError> {
        let Some((last, first)) = messages.split_last() else {
            return Err(PublishError::Refused(LogError::Unavailable("an empty batch".to_owned())));
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
        self.request(&last.subject, headers, last.event.body.clone()).await
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
        let request = Request::new().headers(headers).payload(body).timeout(Some(ANSWER_WITHIN));
        let answer = match self.client.send_request(subject.to_owned(), request).await {
            Ok(answer) => answer,
            Err(error) => {
                return Err(match error.kind() {
                    RequestErrorKind::NoResponders => self.no_responders().await,
                    // Never sent: trying again can't help.
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
            Err(error) => Err(PublishError::Unknown(format!("the server's answer is not readable: {error}"))),
        }
    }

    /// Only a stream's leader listens, so a message that nobody listened to was not written.
    async fn no_responders(&self) -> PublishError {
        match why_nobody_answers(&self.client, &self.stream).await {
            error @ LogError::NotProvisioned => PublishError::Refused(error),
            error => PublishError::NotNow(error),
        }
    }
}

/// What an answer of JetStream says about what was to be written.
fn meaning(error: &jetstream::Error) -> PublishError {
    match error.error_code().0 {
        // Wrong last sequence: compared with what stands in the stream.
        10_071 => PublishError::Conflict,
        // Wrong last sequence, too: the subject has a message that has not been applied yet.
        10_164 => PublishError::InFlight,
        // Temporarily unavailable; expectations not comparable yet; batch incomplete (a new leader knows
        // a part of it only); too many open batches.
        10_008 | 10_163 | 10_176 | 10_210 | 10_211 => PublishError::NotNow(error.into()),
        // Storing failed, or storage ran out: a server may say so with a part of its replicas, or with a
        // batch, that is completed after a restart.
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
    fn only_what_certainly_was_not_written_is_refused_or_tried_again() {
        assert!(matches!(answer(10_071, 400), PublishError::Conflict));
        assert!(matches!(answer(10_164, 400), PublishError::InFlight));
        for code in [10_008, 10_163, 10_176, 10_210] {
            assert!(matches!(answer(code, 503), PublishError::NotNow(_)), "{code}");
        }
        for code in [10_023, 10_077] {
            assert!(matches!(answer(code, 503), PublishError::Unknown(_)), "{code}");
        }
        // Atomic publish disabled; message too large; a code that nobody knows yet.
        for code in [10_174, 10_054, 19_999] {
            assert!(matches!(answer(code, 400), PublishError::Refused(_)), "{code}");
        }
    }
}
