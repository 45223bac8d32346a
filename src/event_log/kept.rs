//! Reading of single events by position, and of messages from streams other than the log.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, RawMessageErrorKind};
use bytes::Bytes;
use serde_json::json;

use super::availability::patiently;
use super::envelope::recorded;
use super::{EventLog, LogError, Position, RecordedEvent};

/// Maximum number of messages per request.
const PER_REQUEST: usize = 1_000;

impl EventLog {
    /// Returns the event at a position, as stored by the leader.
    ///
    /// # Errors
    /// The server can't be reached. [`LogError::Undecodable`] if it has no event at this position.
    pub async fn event_at(&self, position: Position) -> Result<RecordedEvent, LogError> {
        let found = self.find_event_at(position).await?;
        let found = found.ok_or_else(|| LogError::Undecodable {
            position,
            reason: "the log has no message there".to_owned(),
        })?;
        self.note_position(position);
        Ok(found)
    }

    /// Returns the event at a position, as stored by the leader, if it exists.
    ///
    /// # Errors
    /// The server can't be reached, or the message is not an event.
    pub async fn find_event_at(
        &self,
        position: Position,
    ) -> Result<Option<RecordedEvent>, LogError> {
        let found = self.message_at(&self.names().events(), position).await?;
        let read = |message: StreamMessage| {
            let headers = &message.headers;
            recorded(
                self.names(),
                &message.subject,
                position,
                headers,
                message.payload,
            )
        };
        found.map(read).transpose()
    }

    /// Returns the body of a stream's message, as stored by the leader, if it exists.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn kept_at(
        &self,
        stream: &str,
        position: Position,
    ) -> Result<Option<Bytes>, LogError> {
        let found = self.message_at(stream, position).await?;
        Ok(found.map(|message| message.payload))
    }

    async fn message_at(
        &self,
        stream: &str,
        position: Position,
    ) -> Result<Option<StreamMessage>, LogError> {
        let unavailable = |error: &dyn std::fmt::Display| LogError::Unavailable(error.to_string());
        let stream = self.context().get_stream_no_info(stream);
        let stream = &stream.await.map_err(|error| unavailable(&error))?;
        patiently(|wait| async move {
            match tokio::time::timeout(wait, stream.get_raw_message(position)).await {
                Ok(Ok(found)) => Ok(Some(found)),
                Ok(Err(error)) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
                Ok(Err(error)) => Err(unavailable(&error)),
                Err(late) => Err(unavailable(&late)),
            }
        })
        .await
    }

    /// Returns the messages of a stream on a subject after a position, in order, as stored by the
    /// leader. Use it only for a few messages.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn kept_after(
        &self,
        stream: &str,
        subject: &str,
        after: Position,
    ) -> Result<Vec<Bytes>, LogError> {
        let mut kept = Vec::new();
        let mut after = after;
        while let Some(message) =
            patiently(|wait| self.leader_next_message(stream, subject, after, wait)).await?
        {
            after = message.sequence;
            kept.push(message.payload);
        }
        Ok(kept)
    }

    /// Returns up to `most` messages of a stream on a subject (or a wildcard), in order. The
    /// responding replica may lag, so the newest messages may be missing.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn kept(
        &self,
        stream: &str,
        subject: &str,
        most: usize,
    ) -> Result<Vec<(Position, Bytes)>, LogError> {
        patiently(|wait| self.kept_within(stream, subject, 0, Position::MAX, most, wait)).await
    }

    /// Returns the last message of a stream on a subject, as stored by the leader, if any.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn last_kept(
        &self,
        stream: &str,
        subject: &str,
    ) -> Result<Option<(Position, Bytes)>, LogError> {
        let unavailable = |error: &dyn std::fmt::Display| LogError::Unavailable(error.to_string());
        let stream = self.context().get_stream_no_info(stream);
        let stream = &stream.await.map_err(|error| unavailable(&error))?;
        patiently(|wait| async move {
            let last = stream.get_last_raw_message_by_subject(subject);
            match tokio::time::timeout(wait, last).await {
                Ok(Ok(last)) => Ok(Some((last.sequence, last.payload))),
                Ok(Err(error)) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                    Ok(None)
                }
                Ok(Err(error)) => Err(unavailable(&error)),
                Err(late) => Err(unavailable(&late)),
            }
        })
        .await
    }

    /// Returns the messages of a stream on a subject (or a wildcard) in pages, newest page first.
    /// The messages of each page are in order. Pages may be empty. The responding replica may lag,
    /// so the newest messages may be missing.
    ///
    /// # Errors
    /// The server can't be reached. [`LogError::NotProvisioned`] if the stream doesn't exist.
    pub async fn kept_backwards(
        &self,
        stream: &str,
        subject: &str,
    ) -> Result<Backwards<'_>, LogError> {
        let found = patiently(|_| async { Ok(self.context().get_stream(stream).await?) }).await?;
        let state = &found.cached_info().state;
        let below = state.last_sequence;
        let first = state.first_sequence.max(1);
        Ok(Backwards {
            log: self,
            stream: stream.to_owned(),
            subject: subject.to_owned(),
            first,
            below,
        })
    }

    /// Returns up to `most` messages with positions from `after` + 1 to `upto`.
    async fn kept_within(
        &self,
        stream: &str,
        subject: &str,
        after: Position,
        upto: Position,
        most: usize,
        wait: Duration,
    ) -> Result<Vec<(Position, Bytes)>, LogError> {
        let mut kept: Vec<(Position, Bytes)> = Vec::new();
        loop {
            let after = kept.last().map_or(after, |(position, _)| *position);
            let batch = PER_REQUEST.min(most - kept.len());
            let ask = json!({ "next_by_subj": subject, "seq": after + 1, "batch": batch });
            let before = kept.len();
            let mut is_beyond = false;
            let see = |_: &str, position, _: &HeaderMap, body: Bytes| {
                is_beyond |= position > upto;
                if !is_beyond {
                    kept.push((position, body));
                }
                Ok(())
            };
            let end = self.direct_get(stream, &ask, wait, see).await?;
            if end.pending == 0 || is_beyond || kept.len() == before || kept.len() >= most {
                return Ok(kept);
            }
        }
    }
}

/// Pages of a stream's messages, newest page first.
pub struct Backwards<'l> {
    log: &'l EventLog,
    stream: String,
    subject: String,
    /// First position of the stream.
    first: Position,
    /// Last position that has not been read yet.
    below: Position,
}

impl Backwards<'_> {
    /// Returns the next older page, or `None` if all messages have been read.
    ///
    /// # Errors
    /// The server can't be reached. The next call requests the same page again.
    pub async fn next_page(&mut self) -> Result<Option<Vec<(Position, Bytes)>>, LogError> {
        if self.below < self.first {
            return Ok(None);
        }
        let after = self
            .below
            .saturating_sub(PER_REQUEST as u64)
            .max(self.first - 1);
        let stream = &self.stream;
        let subject = &self.subject;
        let upto = self.below;
        let read = |wait| {
            self.log
                .kept_within(stream, subject, after, upto, PER_REQUEST, wait)
        };
        let page = patiently(read).await?;
        self.below = after;
        Ok(Some(page))
    }
}
