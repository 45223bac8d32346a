//! Loading one aggregate: batch direct get (ADR-31), which any replica answers.

use std::time::Duration;

use async_nats::jetstream::response::Response;
use async_nats::{HeaderMap, Request};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;

use super::availability::{patiently, why_nobody_answers};
use super::envelope::recorded;
use super::{EventLog, LogError, Position, RecordedEvent};

/// How many events one request asks for.
const PER_REQUEST: usize = 1_024;
/// How many bytes one request asks for: far below the server's `max_pending`, at which it takes a
/// client for stuck and cuts it off.
const MAX_BYTES: usize = 8 << 20;
const SUBJECT: &str = "Nats-Subject";
const SEQUENCE: &str = "Nats-Sequence";
const PENDING: &str = "Nats-Num-Pending";

/// JetStream: no message found.
const NO_MESSAGE: u64 = 10037;

impl EventLog {
    /// The events of one aggregate after a position, in order; empty for one without history.
    ///
    /// # Errors
    /// The server can't be reached, or the subject holds something that is not an event.
    pub async fn load(
        &self,
        aggregate: &str,
        id: &str,
        after: Position,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let subject = self.shared.names.aggregate(aggregate, id);
        let mut events: Vec<RecordedEvent> = Vec::new();
        let mut from = after + 1;
        loop {
            let (page, more) = patiently(|wait| self.load_page(&subject, from, wait)).await?;
            events.extend(page);
            match events.last() {
                Some(last) if more && last.position >= from => from = last.position + 1,
                _ => return Ok(events),
            }
        }
    }

    /// One answer's events, of which each comes within `wait` after the one before, and whether there are more: an answer ends after so many events, or after
    /// so many bytes.
    async fn load_page(
        &self,
        subject: &str,
        from: Position,
        wait: Duration,
    ) -> Result<(Vec<RecordedEvent>, bool), LogError> {
        let (client, stream) = (&self.shared.client, self.shared.names.events());
        let mut events = Vec::new();
        let inbox = client.new_inbox();
        let mut answers = client.subscribe(inbox.clone()).await?;
        let ask =
            json!({ "next_by_subj": subject, "seq": from, "batch": PER_REQUEST, "max_bytes": MAX_BYTES })
                .to_string();
        let api = format!("$JS.API.DIRECT.GET.{stream}");
        client.publish_with_reply(api, inbox, ask.into()).await?;
        loop {
            let next = tokio::time::timeout(wait, answers.next()).await;
            let Ok(Some(message)) = next else {
                return Err(LogError::Unavailable(
                    "the server did not answer a direct get in time".to_owned(),
                ));
            };
            if let Some(status) = message.status {
                return match status.as_u16() {
                    // End of the answer.
                    204 => Ok((events, pending(message.headers.as_ref()) > 0)),
                    // Nothing on this subject.
                    404 => Ok((events, false)),
                    503 => Err(why_nobody_answers(client, &stream).await),
                    other => Err(LogError::Unavailable(format!("direct get answered {other}"))),
                };
            }
            let headers = message.headers.unwrap_or_default();
            let sequence = headers.get(SEQUENCE).and_then(|v| v.as_str().parse().ok());
            let (Some(position), Some(subject)) = (sequence, headers.get(SUBJECT)) else {
                return Err(LogError::Unavailable("a direct get's answer lacks its sequence".to_owned()));
            };
            events.push(recorded(&self.shared.names, subject.as_str(), position, &headers, message.payload)?);
        }
    }

    /// The last position of an aggregate as the stream's leader knows it; 0 for one without history.
    /// Direct gets may lag behind on a follower: ask this before refusing or trying again.
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
        // A request that reaches no leader gets no answer at all.
        let ask = Request::new().payload(ask.into()).timeout(Some(wait));
        let answer = self.shared.client.send_request(api, ask).await?;
        match serde_json::from_slice::<Response<Stored>>(&answer.payload) {
            Ok(Response::Ok(stored)) => Ok(stored.message.seq),
            Ok(Response::Err { error }) if error.error_code().0 == NO_MESSAGE => Ok(0),
            Ok(Response::Err { error }) => Err((&error).into()),
            Err(error) => Err(LogError::Unavailable(format!("the server's answer is not readable: {error}"))),
        }
    }
}

/// How many more events there are after an answer.
fn pending(headers: Option<&HeaderMap>) -> u64 {
    headers.and_then(|headers| headers.get(PENDING)).and_then(|v| v.as_str().parse().ok()).unwrap_or(0)
}
