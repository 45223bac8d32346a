//! Requests that only the leader of a stream answers.
//!
//! For some seconds, a leader that was replaced may still answer. So callers compare the answers
//! with a position that they know.

use std::time::Duration;

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, RawMessageError};

use super::availability::patiently;
use super::envelope::recorded;
use super::{EventLog, LogError, Position, RecordedEvent};

impl EventLog {
    /// Returns subject and position of the last event of the log, or `None` if the log is empty.
    pub(super) async fn leader_end(
        &self,
        wait: Duration,
    ) -> Result<Option<(String, Position)>, LogError> {
        // The server answers the request for `>` without a search. It finds nothing if no message
        // is stored at the last position of the stream, which happens after a failed write.
        let everything = self.names().all();
        for subject in [">", everything.as_str()] {
            if let Some(last) = self.leader_last_message(subject, wait).await? {
                return Ok(Some((last.subject.to_string(), last.sequence)));
            }
        }
        Ok(None)
    }

    /// Returns the last position of a subject; 0 if it has no events.
    pub(super) async fn leader_last(
        &self,
        subject: &str,
        wait: Duration,
    ) -> Result<Position, LogError> {
        let last = self.leader_last_message(subject, wait).await?;
        Ok(last.map_or(0, |last| last.sequence))
    }

    /// Returns true if the leader has events of aggregates of a kind.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn has_events(&self, aggregate: &str) -> Result<bool, LogError> {
        let subject = &self.names().all_of(aggregate);
        Ok(patiently(|wait| self.leader_last(subject, wait)).await? > 0)
    }

    /// Returns the first event of a subject after a position, if any.
    pub(super) async fn leader_next(
        &self,
        subject: &str,
        after: Position,
        wait: Duration,
    ) -> Result<Option<RecordedEvent>, LogError> {
        let stream = self.names().events();
        let next = self
            .leader_next_message(&stream, subject, after, wait)
            .await?;
        let decoded = |next: StreamMessage| {
            self.note_position(next.sequence);
            recorded(
                self.names(),
                &next.subject,
                next.sequence,
                &next.headers,
                next.payload,
            )
        };
        next.map(decoded).transpose()
    }

    /// Returns the first message of a stream on a subject after a position, if any.
    pub(super) async fn leader_next_message(
        &self,
        stream: &str,
        subject: &str,
        after: Position,
        wait: Duration,
    ) -> Result<Option<StreamMessage>, LogError> {
        let stream = self.context().get_stream_no_info(stream).await?;
        let next = stream.get_first_raw_message_by_subject(subject, after + 1);
        found(tokio::time::timeout(wait, next).await)
    }

    async fn leader_last_message(
        &self,
        subject: &str,
        wait: Duration,
    ) -> Result<Option<StreamMessage>, LogError> {
        let stream = self
            .context()
            .get_stream_no_info(self.names().events())
            .await?;
        let last = stream.get_last_raw_message_by_subject(subject);
        found(tokio::time::timeout(wait, last).await)
    }
}

/// Returns the message of a response, or `None` if the leader found none. The request gets no
/// response if the stream has no leader.
fn found(
    answer: Result<Result<StreamMessage, RawMessageError>, tokio::time::error::Elapsed>,
) -> Result<Option<StreamMessage>, LogError> {
    let Ok(answer) = answer else {
        return Err(LogError::Unavailable(
            "the leader of the stream did not respond in time".to_owned(),
        ));
    };
    let error = match answer {
        Ok(message) => return Ok(Some(message)),
        Err(error) => error,
    };
    match error.kind() {
        LastRawMessageErrorKind::NoMessageFound => Ok(None),
        LastRawMessageErrorKind::JetStream(ref error) => Err(error.into()),
        _ => Err(LogError::Unavailable(error.to_string())),
    }
}
