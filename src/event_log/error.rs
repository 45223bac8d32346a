//! What can go wrong with the log itself.

use async_nats::jetstream;
use thiserror::Error;

use super::Position;

/// The log can't be used as asked. Carries no personal data.
#[derive(Debug, Error)]
pub enum LogError {
    /// The server doesn't answer, or not in time.
    #[error("the event log is not available: {0}")]
    Unavailable(String),
    /// The stream is not there.
    #[error("the event log's streams do not exist yet; run `laureate provision`")]
    NotProvisioned,
    /// A message in the stream is not an event of ours.
    #[error("the message at position {position} is not an event: {reason}")]
    Undecodable {
        /// Where it stands.
        position: Position,
        /// What is missing or wrong.
        reason: String,
    },
    /// The server refused something for good.
    #[error("the event log's server refused ({code}): {description}")]
    Refused {
        /// JetStream's error code.
        code: u64,
        /// JetStream's text.
        description: String,
    },
}

/// JetStream: stream not found.
pub(crate) const STREAM_NOT_FOUND: u64 = 10059;

impl From<&jetstream::Error> for LogError {
    fn from(error: &jetstream::Error) -> Self {
        if error.error_code().0 == STREAM_NOT_FOUND {
            return Self::NotProvisioned;
        }
        Self::Refused { code: error.error_code().0, description: error.to_string() }
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
