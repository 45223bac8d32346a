//! Progress as server-sent events: one whole state per event, whenever it has changed.
//!
//! What is waited for are the projections' own news; only then the row is read, and not more often than
//! twice a second. A stream ends when its thing has ended, when the process stops, or after a quarter of an
//! hour, as long as an access token counts; a client then comes back with `Last-Event-ID`.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::unfold;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::shares::Share;
use super::{ApiError, Caller, ErrorCode, HttpState};
use crate::domain::UserId;
use crate::event_log::Position;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells proxies not to hold events back.
const NO_BUFFERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");
/// What the last event's id is. A client that comes back with it has seen the end.
const END: &str = "end";
/// The least time between two looks.
const PACE: Duration = Duration::from_millis(500);
/// How soon the tables are asked how far they are, where nobody has told it yet.
const FIRST_PACE: Duration = Duration::from_millis(10);
/// How often a silent stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a stream goes on.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// How long a client that comes back may wait for what it has seen before.
const CATCH_UP: Duration = Duration::from_secs(5);
/// When to try again, where there is no room.
const LATER: Duration = Duration::from_secs(5);

/// How something is, and whether nothing will change any more.
pub struct Look {
    /// What is shown.
    pub state: Value,
    /// Whether this is the end.
    pub ended: bool,
}

/// How a thing is looked at.
pub type Looking = Box<dyn Fn(HttpState) -> BoxFuture<'static, Result<Look, ApiError>> + Send>;

/// Answers with the stream. What is not there is told at once.
///
/// # Errors
/// There are too many streams, or too many of this user, or the thing is not there.
pub async fn answer(
    http: HttpState,
    caller: &Caller,
    headers: &HeaderMap,
    look: Looking,
) -> Result<Response, ApiError> {
    let last = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    if last == Some(END) {
        // What a client of this kind takes for "don't come back" (HTML, "server-sent events").
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let busy = |_| {
        let message =
            "too many connections are being told of progress; try again, or ask for it now and then";
        ApiError::new(ErrorCode::Busy, message).retry_after(LATER)
    };
    let Some(of_user) = http.streams_of_user.take(caller.user_id, 1) else {
        let message = "you have too many open progress streams; close some, or poll instead";
        return Err(ApiError::new(ErrorCode::TooManyRequests, message).retry_after(LATER));
    };
    let place = http.stream_slots.clone().try_acquire_owned().map_err(busy)?;
    if let Some(seen) = last.and_then(|text| text.parse().ok()) {
        // A client must not see an older state from another server. A position that the log lacks is ignored.
        let seen_before = async {
            if http.waiting.is_in_log(&http, seen).await != Some(false) {
                let _ = http.readers.wait_for(seen, CATCH_UP).await;
            }
        };
        let _ = tokio::time::timeout(CATCH_UP, seen_before).await;
    }
    let known = tokio::time::timeout(CATCH_UP, http.readers.news(0, FIRST_PACE)).await.unwrap_or(0);
    let first = look(http.clone()).await?;
    let telling = Telling {
        http,
        look,
        next: Some(first),
        shown: Value::Null,
        seen: known,
        until: Instant::now() + LONGEST,
        _place: (place, of_user),
    };
    let events = Sse::new(told(telling)).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("still here"));
    Ok(([(CACHE_CONTROL, "no-store"), NO_BUFFERING], events).into_response())
}

/// A stream under way.
struct Telling {
    http: HttpState,
    look: Looking,
    /// What was looked at and not told yet.
    next: Option<Look>,
    shown: Value,
    seen: Position,
    until: Instant,
    _place: (OwnedSemaphorePermit, Share<UserId>),
}

fn told(telling: Telling) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(Some(telling), |telling| async move {
        let mut telling = telling?;
        let (until, shutdown) = (telling.until, telling.http.shutdown.clone());
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
        let event = Event::default().event("progress").id(telling.seen.to_string()).data(data);
        Some((Ok(event), Some(telling)))
    })
}

impl Telling {
    /// The next state that differs from the one shown; nothing if it can't be read any more.
    async fn news(&mut self) -> Option<Look> {
        if let Some(first) = self.next.take() {
            return Some(first);
        }
        loop {
            tokio::time::sleep(PACE).await;
            self.seen = self.http.readers.news(self.seen, PACE).await;
            match (self.look)(self.http.clone()).await {
                Ok(look) if look.ended || look.state != self.shown => return Some(look),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(code = error.code.as_str(), "progress can't be told any more");
                    return None;
                }
            }
        }
    }
}
