//! Loading of aggregates by batch direct get (ADR-31), to which any replica may respond.

use std::collections::HashSet;
use std::time::Duration;

use async_nats::jetstream::response::Response;
use async_nats::{HeaderMap, Request};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::{Value, json};

use super::availability::{parsed, patiently, why_nobody_answers};
use super::envelope::recorded;
use super::{EventLog, LogError, Position, RecordedEvent};

/// Maximum number of events per request.
const PER_REQUEST: usize = 1_024;
/// Maximum number of bytes per request. It is far below the server's `max_pending`. Above that
/// limit, the server disconnects a client as a slow consumer.
const MAX_BYTES: usize = 8 << 20;
/// Maximum number of subjects per request. The server responds with at most 1024 messages.
const SUBJECTS_PER_REQUEST: usize = 1_000;

const SUBJECT: &str = "Nats-Subject";
const SEQUENCE: &str = "Nats-Sequence";
const PENDING: &str = "Nats-Num-Pending";

/// JetStream: no message found.
const NO_MESSAGE: u64 = 10037;

impl EventLog {
    /// Returns the events of one aggregate after a position, in order. The result is empty if there
    /// are no such events.
    ///
    /// # Errors
    /// The server can't be reached, or the subject contains a message that is not an event.
    pub async fn load(
        &self,
        aggregate: &str,
        id: &str,
        after: Position,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let (mut events, mut more) = self.load_page(aggregate, id, after).await?;
        while let (true, Some(last)) = (more, events.last()) {
            let page = self.load_page(aggregate, id, last.position).await?;
            events.extend(page.0);
            more = page.1;
        }
        Ok(events)
    }

    /// Returns one page of an aggregate's events after a position, and true if there are more. So
    /// the caller can fold a history of any length page by page in constant memory.
    ///
    /// # Errors
    /// The server can't be reached, or the subject contains a message that is not an event.
    pub async fn load_page(
        &self,
        aggregate: &str,
        id: &str,
        after: Position,
    ) -> Result<(Vec<RecordedEvent>, bool), LogError> {
        let subject = self.shared.names.aggregate(aggregate, id);
        patiently(|wait| self.next_events(&subject, after, PER_REQUEST, wait)).await
    }

    /// Returns the first event of an aggregate, if any. This is cheaper than loading the history,
    /// because the server scans all messages between two events of one aggregate.
    ///
    /// # Errors
    /// The server can't be reached, or the subject contains a message that is not an event.
    pub async fn first(
        &self,
        aggregate: &str,
        id: &str,
    ) -> Result<Option<RecordedEvent>, LogError> {
        let subject = self.shared.names.aggregate(aggregate, id);
        let (events, _) = patiently(|wait| self.next_events(&subject, 0, 1, wait)).await?;
        Ok(events.into_iter().next())
    }

    /// Returns the last event of an aggregate, if any. This is as cheap as [`Self::first`].
    ///
    /// # Errors
    /// The server can't be reached, or the subject contains a message that is not an event.
    pub async fn last(&self, aggregate: &str, id: &str) -> Result<Option<RecordedEvent>, LogError> {
        let subject = self.shared.names.aggregate(aggregate, id);
        patiently(|wait| self.last_event(&subject, wait)).await
    }

    /// Returns the event at a position, if any.
    ///
    /// # Errors
    /// The server can't be reached, or the message is not an event.
    pub async fn at(&self, position: Position) -> Result<Option<RecordedEvent>, LogError> {
        let all = self.shared.names.all();
        let before = position.saturating_sub(1);
        let (events, _) = patiently(|wait| self.next_events(&all, before, 1, wait)).await?;
        Ok(events.into_iter().find(|event| event.position == position))
    }

    async fn last_event(
        &self,
        subject: &str,
        wait: Duration,
    ) -> Result<Option<RecordedEvent>, LogError> {
        let ask = json!({ "multi_last": [subject], "batch": 1 });
        let mut last = None;
        let see = |subject: &str, position, headers: &HeaderMap, body| {
            last = Some(recorded(
                &self.shared.names,
                subject,
                position,
                headers,
                body,
            )?);
            Ok(())
        };
        self.direct_get(&self.shared.names.events(), &ask, wait, see)
            .await?;
        Ok(last)
    }

    async fn next_events(
        &self,
        subject: &str,
        after: Position,
        most: usize,
        wait: Duration,
    ) -> Result<(Vec<RecordedEvent>, bool), LogError> {
        let ask = json!({ "next_by_subj": subject, "seq": after + 1, "batch": most, "max_bytes": MAX_BYTES });
        let mut events = Vec::new();
        let see = |subject: &str, position, headers: &HeaderMap, body| {
            events.push(recorded(
                &self.shared.names,
                subject,
                position,
                headers,
                body,
            )?);
            Ok(())
        };
        let more = self
            .direct_get(&self.shared.names.events(), &ask, wait, see)
            .await?;
        let more = more && !events.is_empty();
        Ok((events, more))
    }

    /// Returns the subjects that have events. The responding replica may lag, so the newest
    /// subjects may be missing.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn present(&self, subjects: &[String]) -> Result<HashSet<String>, LogError> {
        let some = |some| patiently(move |wait| self.present_of(some, wait));
        let found = try_join_all(subjects.chunks(SUBJECTS_PER_REQUEST).map(some)).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn present_of(
        &self,
        subjects: &[String],
        wait: Duration,
    ) -> Result<Vec<String>, LogError> {
        let mut found = Vec::new();
        let ask = json!({ "multi_last": subjects, "batch": PER_REQUEST, "max_bytes": MAX_BYTES });
        let see = |subject: &str, _, _: &HeaderMap, _| {
            found.push(subject.to_owned());
            Ok(())
        };
        self.direct_get(&self.shared.names.events(), &ask, wait, see)
            .await?;
        Ok(found)
    }

    /// Requests messages of a stream and calls `see` for each, with subject, position, headers and
    /// body. Each message must arrive within `wait` after the previous one. Returns true if the
    /// limits of the request were reached and more messages exist.
    pub(super) async fn direct_get(
        &self,
        stream: &str,
        ask: &Value,
        wait: Duration,
        mut see: impl FnMut(&str, Position, &HeaderMap, Bytes) -> Result<(), LogError>,
    ) -> Result<bool, LogError> {
        let client = &self.shared.client;
        let inbox = client.new_inbox();
        let mut answers = client.subscribe(inbox.clone()).await?;
        let api = format!("$JS.API.DIRECT.GET.{stream}");
        client
            .publish_with_reply(api, inbox, ask.to_string().into())
            .await?;
        loop {
            let next = tokio::time::timeout(wait, answers.next()).await;
            let Ok(Some(message)) = next else {
                return Err(LogError::Unavailable(
                    "the server did not respond to a direct get in time".to_owned(),
                ));
            };
            if let Some(status) = message.status {
                return match status.as_u16() {
                    // End of the response.
                    204 => Ok(pending(message.headers.as_ref()) > 0),
                    // No messages on these subjects.
                    404 => Ok(false),
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
        }
    }

    /// Returns the last position of an aggregate from the stream's leader; 0 if it has no events. A
    /// follower that lags may respond to a direct get. So compare the loaded position with this one
    /// before you refuse a command or retry.
    ///
    /// # Errors
    /// The server can't be reached.
    pub async fn leader_position(&self, aggregate: &str, id: &str) -> Result<Position, LogError> {
        let subject = self.shared.names.aggregate(aggregate, id);
        patiently(|wait| self.ask_leader(&subject, wait)).await
    }

    async fn ask_leader(&self, subject: &str, wait: Duration) -> Result<Position, LogError> {
        #[derive(Deserialize)]
        struct Stored {
            message: Message,
        }
        #[derive(Deserialize)]
        struct Message {
            seq: Position,
        }
        let api = format!("$JS.API.STREAM.MSG.GET.{}", self.shared.names.events());
        let ask = json!({ "last_by_subj": subject }).to_string();
        // A request gets no response if the stream has no leader.
        let ask = Request::new().payload(ask.into()).timeout(Some(wait));
        let answer = self.shared.client.send_request(api, ask).await?;
        match parsed::<Stored>(&answer.payload)? {
            Response::Ok(stored) => Ok(stored.message.seq),
            Response::Err { error } if error.error_code().0 == NO_MESSAGE => Ok(0),
            Response::Err { error } => Err((&error).into()),
        }
    }
}

/// Returns the number of messages that remain after a response, from its headers.
fn pending(headers: Option<&HeaderMap>) -> u64 {
    headers
        .and_then(|headers| headers.get(PENDING))
        .and_then(|v| v.as_str().parse().ok())
        .unwrap_or(0)
}
