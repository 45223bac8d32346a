//! What can go wrong with the log itself.

use async_nats::jetstream;
use thiserror::Error;

use super::Position;

/// The log can't be used as asked. Carries no personal data.
#[derive(Debug, Error)]
pub enum LogError {
    /// The server doesn't answer, not in time, or that it can't just now.
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

/// JetStream: not now. No leader or no quorum (10004, 10008, 10009), starting (10039, 10076), a stream
/// that is offline (10118, 10194), too many requests (10167), expectations not comparable yet (10163),
/// open batches (10176, 10210, 10211).
const NOT_NOW: [u64; 12] =
    [10_004, 10_008, 10_009, 10_039, 10_076, 10_118, 10_163, 10_167, 10_176, 10_194, 10_210, 10_211];

impl From<&jetstream::Error> for LogError {
    fn from(error: &jetstream::Error) -> Self {
        match error.error_code().0 {
            STREAM_NOT_FOUND => Self::NotProvisioned,
            code if NOT_NOW.contains(&code) => Self::Unavailable(error.to_string()),
            code => Self::Refused { code, description: error.to_string() },
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
