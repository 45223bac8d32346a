//! JetStream's wire protocol for publishing: one message, or an atomic batch (ADR-50).
//!
//! async-nats has no publisher for atomic batches, so the headers are set here.

use std::time::Duration;

use async_nats::jetstream::response::Response;
use async_nats::{Client, HeaderMap, Request};
use bytes::Bytes;
use serde::Deserialize;

use super::{LogError, Position};

/// The most messages that the server takes in one atomic batch.
pub const MAX_BATCH: usize = 1_000;

const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
const BATCH_ID: &str = "Nats-Batch-Id";
const BATCH_SEQUENCE: &str = "Nats-Batch-Sequence";
const BATCH_COMMIT: &str = "Nats-Batch-Commit";

/// JetStream: the expected last sequence is not the present one (single message; batch).
const WRONG_LAST_SEQUENCE: [u64; 2] = [10071, 10164];

/// How long an answer may take before the outcome counts as unknown.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// One message as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) subject: String,
    /// The last sequence that the subject must have; only on a subject's first message in a batch.
    pub(crate) expected: Option<Position>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What the server said to a publish.
#[derive(Debug)]
pub(crate) enum PublishError {
    /// An expectation did not hold; nothing was written.
    Conflict,
    /// Nothing was written.
    Refused(LogError),
    /// No answer: it may be there, or not.
    Unknown(String),
}

#[derive(Deserialize)]
struct Ack {
    seq: Position,
}

/// Publishes one message and waits until the server has it.
pub(crate) async fn publish_one(client: &Client, message: &Outgoing) -> Result<Position, PublishError> {
    let mut headers = message.headers.clone();
    expect(&mut headers, message.expected);
    request(client, &message.subject, headers, message.body.clone()).await
}

/// Publishes all messages or none; answers with the position of the last.
pub(crate) async fn publish_batch(
    client: &Client,
    batch_id: &str,
    messages: &[Outgoing],
) -> Result<Position, PublishError> {
    let Some((last, first)) = messages.split_last() else {
        return Err(PublishError::Refused(LogError::Unavailable("an empty batch".to_owned())));
    };
    for (index, message) in first.iter().enumerate() {
        let headers = batch_headers(message, batch_id, index + 1);
        client
            .publish_with_headers(message.subject.clone(), headers, message.body.clone())
            .await
            .map_err(|error| PublishError::Refused(error.into()))?;
    }
    let mut headers = batch_headers(last, batch_id, messages.len());
    headers.insert(BATCH_COMMIT, "1");
    request(client, &last.subject, headers, last.body.clone()).await
}

fn batch_headers(message: &Outgoing, batch_id: &str, sequence: usize) -> HeaderMap {
    let mut headers = message.headers.clone();
    headers.insert(BATCH_ID, batch_id);
    headers.insert(BATCH_SEQUENCE, sequence.to_string());
    expect(&mut headers, message.expected);
    headers
}

fn expect(headers: &mut HeaderMap, expected: Option<Position>) {
    if let Some(expected) = expected {
        headers.insert(EXPECTED, expected.to_string());
    }
}

async fn request(
    client: &Client,
    subject: &str,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Position, PublishError> {
    let request = Request::new().headers(headers).payload(body).timeout(Some(ANSWER_WITHIN));
    let answer =
        client.send_request(subject.to_owned(), request).await.map_err(|error| match error.kind() {
            async_nats::RequestErrorKind::NoResponders => PublishError::Refused(LogError::NotProvisioned),
            // Never sent: trying again can't help.
            async_nats::RequestErrorKind::MaxPayloadExceeded => PublishError::Refused(error.into()),
            _ => PublishError::Unknown(error.to_string()),
        })?;
    match serde_json::from_slice::<Response<Ack>>(&answer.payload) {
        Ok(Response::Ok(ack)) => Ok(ack.seq),
        Ok(Response::Err { error }) if WRONG_LAST_SEQUENCE.contains(&error.error_code().0) => {
            Err(PublishError::Conflict)
        }
        Ok(Response::Err { error }) => Err(PublishError::Refused((&error).into())),
        Err(error) => Err(PublishError::Unknown(format!("the server's answer is not readable: {error}"))),
    }
}
