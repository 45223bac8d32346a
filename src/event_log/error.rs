//! Errors of the event log.

use async_nats::jetstream;
use thiserror::Error;

use super::Position;

/// Error of using the event log. Contains no personal data.
#[derive(Clone, Debug, Error)]
pub enum LogError {
    /// The server can't be reached, doesn't answer in time, or is temporarily unable to serve the
    /// request.
    #[error("the event log is not available: {0}")]
    Unavailable(String),
    /// The stream does not exist.
    #[error("the event log's streams do not exist yet; run `laureate provision`")]
    NotProvisioned,
    /// A message in the stream is not an event that this program can decode.
    #[error("the message at position {position} is not an event: {reason}")]
    Undecodable {
        /// Position of the message.
        position: Position,
        /// Missing or invalid attribute, and what is wrong with it.
        reason: String,
    },
    /// The server refused the request permanently.
    #[error("the event log's server refused ({code}): {description}")]
    Refused {
        /// Error code of JetStream.
        code: u64,
        /// Description by JetStream.
        description: String,
    },
}

/// JetStream: stream not found.
pub(crate) const STREAM_NOT_FOUND: u64 = 10059;

/// JetStream: temporary errors. No leader or no quorum (10004, 10008, 10009), server is starting
/// (10039, 10076), stream offline (10118, 10194), too many requests (10167), expected sequence not
/// checkable yet (10163), incomplete batch (10176), too many open batches (10210, 10211).
pub(super) const NOT_NOW: [u64; 12] = [
    10_004, 10_008, 10_009, 10_039, 10_076, 10_118, 10_163, 10_167, 10_176, 10_194, 10_210, 10_211,
];

impl From<&jetstream::Error> for LogError {
    fn from(error: &jetstream::Error) -> Self {
        match error.error_code().0 {
            STREAM_NOT_FOUND => Self::NotProvisioned,
            code if NOT_NOW.contains(&code) => Self::Unavailable(error.to_string()),
            code => Self::Refused {
                code,
                description: error.to_string(),
            },
        }
    }
}

impl From<jetstream::context::GetStreamError> for LogError {
    fn from(error: jetstream::context::GetStreamError) -> Self {
        match error.kind() {
            jetstream::context::GetStreamErrorKind::JetStream(ref inner) => inner.into(),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<async_nats::SubscribeError> for LogError {
    fn from(error: async_nats::SubscribeError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<async_nats::PublishError> for LogError {
    fn from(error: async_nats::PublishError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<async_nats::RequestError> for LogError {
    fn from(error: async_nats::RequestError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
