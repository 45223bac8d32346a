//! Progress as server-sent events. Each event contains the complete state, and is sent when the
//! state has changed.
//!
//! The stream reads the row after the projections have applied new events, at most twice per
//! second. It ends when the work has ended, when the process stops, when an event has stopped a
//! projection, or after 15 minutes, the default lifetime of an access token. The client then
//! reconnects with `Last-Event-ID`. If an `EventSource` was opened with a ticket, it reconnects with
//! the same ticket, which is used up. It gets 401 and stops. Its page must then get a new ticket and
//! open the stream again.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::unfold;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::domain::UserId;
use crate::event_log::Position;
use crate::http::auth::stream_tickets::StreamQuery;
use crate::http::protocol::waiting::Patience;
use crate::http::server::shares::Share;
use crate::http::{ApiError, Caller, ErrorCode, HttpState};
use crate::projection::Readers;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Response header that makes a proxy forward each event immediately.
const NO_BUFFERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");
/// Id of the last event. A client that reconnects with this id has already received the last event.
const END: &str = "end";
/// Shortest time between two reads of the row.
const PACE: Duration = Duration::from_millis(500);
/// Interval at which a comment is sent in a stream without events, to keep the connection open.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Longest duration of a stream.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Value of `Retry-After` if there are too many streams.
const LATER: Duration = Duration::from_secs(5);

/// State of a resource at one point in time.
pub struct Look {
    /// State, in the form in which it is sent.
    pub state: Value,
    /// True if the state can no longer change.
    pub ended: bool,
}

impl Look {
    /// Creates the state from its serializable form.
    ///
    /// # Errors
    /// 500 if it can't be serialized as JSON.
    pub fn of(state: &impl Serialize, ended: bool) -> Result<Self, ApiError> {
        let state = serde_json::to_value(state).map_err(ApiError::internal)?;
        Ok(Self { state, ended })
    }
}

/// Function that reads the state of a resource.
type Looking = Box<dyn Fn(HttpState) -> BoxFuture<'static, Result<Look, ApiError>> + Send>;

/// Returns the stream as a response. If the resource does not exist, returns an error response
/// instead of a stream.
///
/// # Errors
/// 429 if this user has too many streams; 503 if all users together have too many, or if too many
/// requests wait; or the error of the first read.
pub async fn answer<F>(
    http: HttpState,
    patience: Patience,
    caller: &Caller,
    headers: &HeaderMap,
    query: &StreamQuery,
    look: impl Fn(HttpState) -> F + Send + 'static,
) -> Result<Response, ApiError>
where
    F: Future<Output = Result<Look, ApiError>> + Send + 'static,
{
    let look: Looking = Box::new(move |http| Box::pin(look(http)));
    let last = headers
        .get(LAST_EVENT_ID)
        .and_then(|value| value.to_str().ok())
        .or(query.last_event_id.as_deref());
    if last == Some(END) {
        // The status 204 makes the client stop reconnecting (HTML standard, "server-sent events").
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let busy = |_| {
        let message = "too many progress streams are open; try again, or poll instead";
        ApiError::new(ErrorCode::Busy, message).retry_after(LATER)
    };
    let Some(of_user) = http.streams_of_user.take(caller.user_id, 1) else {
        let message = "you have too many open progress streams; close some, or poll instead";
        return Err(ApiError::new(ErrorCode::TooManyRequests, message).retry_after(LATER));
    };
    let place = http
        .stream_slots
        .clone()
        .try_acquire_owned()
        .map_err(busy)?;
    // After a reconnection to another server, a client must not get an older state.
    let known = patience
        .resume(&http, last.and_then(|text| text.parse().ok()))
        .await?;
    let first = look(http.clone()).await?;
    let telling = Telling {
        http,
        readers: patience.into_readers(),
        look,
        next: Some(first),
        shown: Value::Null,
        seen: known,
        until: Instant::now() + LONGEST,
        _place: (place, of_user),
    };
    let events = Sse::new(events(telling))
        .keep_alive(KeepAlive::new().interval(HEARTBEAT).text("still here"));
    Ok(([(CACHE_CONTROL, "no-store"), NO_BUFFERING], events).into_response())
}

/// Open stream.
struct Telling {
    http: HttpState,
    /// Query tables from which the state is read.
    readers: Readers,
    look: Looking,
    /// State that has been read but not sent yet.
    next: Option<Look>,
    shown: Value,
    seen: Position,
    until: Instant,
    _place: (OwnedSemaphorePermit, Share<UserId>),
}

fn events(telling: Telling) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(Some(telling), |telling| async move {
        let mut telling = telling?;
        let until = telling.until;
        let shutdown = telling.http.shutdown.clone();
        let look = tokio::select! {
            () = shutdown.cancelled() => return None,
            () = tokio::time::sleep_until(until) => return None,
            look = telling.news() => look?,
        };
        telling.shown = look.state;
        let data = telling.shown.to_string();
        if look.ended {
            return Some((Ok(Event::default().event("end").id(END).data(data)), None));
        }
        let event = Event::default()
            .event("progress")
            .id(telling.seen.to_string())
            .data(data);
        Some((Ok(event), Some(telling)))
    })
}

impl Telling {
    /// Waits for a state that differs from the last one sent. Returns `None` if the state can't be
    /// read, or if an event has stopped a projection.
    async fn news(&mut self) -> Option<Look> {
        if let Some(first) = self.next.take() {
            return Some(first);
        }
        loop {
            tokio::time::sleep(PACE).await;
            let Some(seen) = self.readers.news(self.seen, PACE).await else {
                tracing::warn!("projection has stopped, stream ended");
                return None;
            };
            self.seen = seen;
            match (self.look)(self.http.clone()).await {
                Ok(look) if look.ended || look.state != self.shown => return Some(look),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(
                        code = error.code.as_str(),
                        "progress can't be read, stream ended"
                    );
                    return None;
                }
            }
        }
    }
}
