//! Requests that wait: reads whose client asks for a position of the log, writes until the query
//! tables contain them, and writes for the work that follows from them, such as an import.
//!
//! A request has no request slot while it waits. The number of waiting requests is limited, and the
//! number of reads and of waits for work is also limited for each user. A read of a position that
//! is not in the log yet is rejected without waiting. A write with `Prefer: respond-async` does not
//! wait, and a stopping process ends the waits for work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

use crate::domain::UserId;
use crate::event_log::Position;
use crate::http::auth::principal::Principal;
use crate::http::server::layers::guard::{Place, prefers_async};
use crate::http::server::shares::{Share, Shares};
use crate::http::{ApiError, ErrorCode, HttpState};
use crate::projection::{Readers, Tables};

/// Longest time that a read waits.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Longest time that a write waits before its response.
const MAX_WAIT_OF_WRITE: Duration = Duration::from_secs(2);
/// Largest number of requests of one user that wait at the same time, without writes that only wait
/// for the tables.
const MAX_OF_USER: usize = 64;
/// Largest number of requests that wait at the same time.
const MAX_WAITERS: usize = 1024;
/// Value of `Retry-After` if too many requests wait.
const LATER: Duration = Duration::from_secs(1);
/// Delay before the leader of the log is asked again whether the log has a position. A leader that
/// has been replaced without noticing it may give one outdated answer.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(250);
/// Interval at which a new stream asks the tables for their position, while this process does not
/// know it.
const FIRST_PACE: Duration = Duration::from_millis(10);
/// First interval between two polls. The interval is doubled after each poll.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest interval between two polls.
const MAX_PAUSE: Duration = Duration::from_millis(400);

/// Waiting requests, and the last known position of the log.
pub struct Waiting {
    of_user: Arc<Shares<UserId>>,
    all: Arc<Semaphore>,
    /// Last position of the log that the leader has reported.
    known_end: AtomicU64,
    /// Time of the last request to the leader, and true if the leader answered it. The mutex is
    /// locked during a request.
    asked: Mutex<Option<(Instant, bool)>>,
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            of_user: Shares::new(MAX_OF_USER),
            all: Arc::new(Semaphore::new(MAX_WAITERS)),
            known_end: AtomicU64::new(0),
            asked: Mutex::default(),
        }
    }
}

impl Waiting {
    /// Releases the slot of a request that starts to wait. If too many requests wait already,
    /// returns `None`, and the request keeps its slot.
    pub fn begin(&self, place: &Place) -> Option<OwnedSemaphorePermit> {
        let waits = self.all.clone().try_acquire_owned().ok()?;
        place.leave();
        Some(waits)
    }

    /// Like [`Self::begin`], for a request that can't be answered without the wait.
    ///
    /// # Errors
    /// 503 if too many requests wait already.
    fn begin_or_reject(&self, place: &Place) -> Result<OwnedSemaphorePermit, ApiError> {
        self.begin(place).ok_or_else(|| {
            let message = "too many requests wait for the tables; try again";
            ApiError::new(ErrorCode::Busy, message).retry_after(LATER)
        })
    }

    /// Waits at most 5 s until the tables of `readers` contain `position`. The request has no slot
    /// during the wait. A route without tables is answered from the log or from memory, so the
    /// position must only be in the log.
    ///
    /// # Errors
    /// 422 if the log does not have `position`; 429 if this user has too many waiting reads; 503 if
    /// all users together have too many, if the tables do not contain `position` in time, or if no
    /// slot is free after the wait.
    pub async fn wait(
        &self,
        http: &HttpState,
        readers: &Readers,
        user: UserId,
        position: Position,
        place: &Place,
    ) -> Result<(), ApiError> {
        let is_known = position <= self.known_end.load(Ordering::Acquire);
        if readers.shows(position) && (is_known || !readers.is_empty()) {
            return Ok(());
        }
        let Some(_of_user) = self.of_user.take(user, 1) else {
            let message =
                format!("you have {MAX_OF_USER} reads that wait for a position; try again");
            return Err(ApiError::new(ErrorCode::TooManyRequests, message).retry_after(LATER));
        };
        let _waits = self.begin_or_reject(place)?;
        let deadline = tokio::time::Instant::now() + MAX_WAIT;
        // Even if the leader does not answer, the tables may soon contain the position.
        if let Ok(Some(false)) = timeout_at(deadline, self.is_in_log(http, position)).await {
            let message =
                format!("the log has no position {position}; give the X-Event-Position of a write");
            return Err(ApiError::new(ErrorCode::PositionBeyondEnd, message));
        }
        readers
            .wait_for(
                position,
                deadline.duration_since(tokio::time::Instant::now()),
            )
            .await?;
        place.enter_again(http, LATER).await
    }

    /// Waits at most 2 s until the tables of `readers` contain a write. The request has no slot
    /// during the wait. Returns false if the tables do not contain the write in time, or if too
    /// many requests wait.
    pub async fn wait_for_write(
        &self,
        readers: &Readers,
        position: Position,
        place: &Place,
    ) -> bool {
        if readers.shows(position) {
            return true;
        }
        let Some(_waits) = self.begin(place) else {
            return false;
        };
        readers.wait_for(position, MAX_WAIT_OF_WRITE).await.is_ok()
    }

    /// Returns true if the log has `position`, false if not, and `None` if the leader of the log
    /// does not answer. False requires two answers of the leader.
    pub async fn is_in_log(&self, http: &HttpState, position: Position) -> Option<bool> {
        if self.was_in_log(http, position).await? {
            return Some(true);
        }
        tokio::time::sleep(ASK_AGAIN_AFTER).await;
        self.was_in_log(http, position).await
    }

    /// Returns the answer of the leader. Concurrent calls share one request to the leader.
    async fn was_in_log(&self, http: &HttpState, position: Position) -> Option<bool> {
        if position <= self.known_end.load(Ordering::Acquire) {
            return Some(true);
        }
        let arrived = Instant::now();
        let mut asked = self.asked.lock().await;
        let answered = match *asked {
            Some((at, answered)) if at >= arrived => answered,
            _ => {
                let at = Instant::now();
                let info = http.commands.log().info().await;
                if let Ok(info) = &info {
                    self.known_end
                        .fetch_max(info.last_position, Ordering::AcqRel);
                }
                *asked = Some((at, info.is_ok()));
                info.is_ok()
            }
        };
        answered.then(|| position <= self.known_end.load(Ordering::Acquire))
    }
}

/// Extractor for a request that can wait for the tables, or for the work that follows from a write.
/// The request has no slot during a wait.
pub struct Patience {
    place: Place,
    readers: Readers,
    /// User who sent the request; `None` on a public route.
    user: Option<UserId>,
    responds_async: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Patience {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let responds_async = prefers_async(&parts.headers);
        let user = parts
            .extensions
            .get::<Principal>()
            .map(|sender| sender.user_id);
        let Extension(place) = Extension::from_request_parts(parts, state)
            .await
            .map_err(ApiError::internal)?;
        let Extension(readers) = Extension::from_request_parts(parts, state)
            .await
            .map_err(ApiError::internal)?;
        Ok(Self {
            place,
            readers,
            user,
            responds_async,
        })
    }
}

impl Patience {
    /// Waits at most 5 s until `tables` contain all events that are now in the log. It is for
    /// decisions that need data from a table.
    ///
    /// # Errors
    /// 503 if the tables do not contain the events in time, if the log can't be read, if too many
    /// requests wait, or if no slot is free after the wait.
    pub async fn until_caught_up(&self, http: &HttpState, tables: Tables) -> Result<(), ApiError> {
        let end = http.commands.log().info().await?.last_position;
        let readers = http.readers.of(tables);
        if readers.shows(end) {
            return Ok(());
        }
        let _waits = http.waiting.begin_or_reject(&self.place)?;
        readers.wait_for(end, MAX_WAIT).await?;
        self.place.enter_again(http, LATER).await
    }

    /// Waits at most 5 s until the tables of the route contain the position `seen`, which a client
    /// has seen on another server. Then waits until this process knows their position, and returns
    /// it. A position that is not in the log is ignored.
    ///
    /// # Errors
    /// 503 if too many requests wait.
    pub async fn resume(
        &self,
        http: &HttpState,
        seen: Option<Position>,
    ) -> Result<Position, ApiError> {
        let _waits = http.waiting.begin_or_reject(&self.place)?;
        if let Some(seen) = seen {
            let seen_before = async {
                if http.waiting.is_in_log(http, seen).await != Some(false) {
                    let _ = self.readers.wait_for(seen, MAX_WAIT).await;
                }
            };
            let _ = tokio::time::timeout(MAX_WAIT, seen_before).await;
        }
        let known = tokio::time::timeout(MAX_WAIT, self.readers.news(0, FIRST_PACE)).await;
        Ok(known.ok().flatten().unwrap_or(0))
    }

    /// Returns the query tables of the route.
    #[must_use]
    pub fn into_readers(self) -> Readers {
        self.readers
    }

    /// Waits at most 2 s until the tables of the route contain `position`. Returns false if they do
    /// not contain it in time, or if too many requests wait.
    pub async fn wait_for_tables(&self, http: &HttpState, position: Position) -> bool {
        http.waiting
            .wait_for_write(&self.readers, position, &self.place)
            .await
    }

    /// Calls `look` repeatedly until the first part of its result is true. Returns the second part
    /// of the last result. Stops after the time `most`, or after half of the request timeout if
    /// that is shorter, so that there is time left to send the response. Stops also if the process
    /// stops, or if a projection of the route has stopped. The request has no slot during the wait.
    ///
    /// The caller has already written, so an error of `look` is not the error of the request; the
    /// next call may succeed. Returns `None` if no call has succeeded, if the client prefers
    /// `respond-async`, or if too many requests wait.
    pub async fn look_until<T, F>(
        &self,
        http: &HttpState,
        most: Duration,
        look: impl Fn() -> F,
    ) -> Option<T>
    where
        F: Future<Output = Result<(bool, T), ApiError>>,
    {
        if self.responds_async {
            return None;
        }
        let _of_user = match self.user {
            Some(user) => Some(http.waiting.of_user.take(user, 1)?),
            None => None::<Share<UserId>>,
        };
        let _waits = http.waiting.begin(&self.place)?;
        let patience = Duration::from_secs(http.settings.request_timeout_seconds) / 2;
        let deadline = tokio::time::Instant::now() + most.min(patience);
        let mut last = None;
        let looking = timeout_at(deadline, self.look_on_news(look, &mut last));
        let _ = http.shutdown.run_until_cancelled(looking).await;
        last
    }

    /// Calls `look` when the tables of the route contain further events. Without tables, calls it
    /// at intervals.
    async fn look_on_news<T, F>(&self, look: impl Fn() -> F, last: &mut Option<T>)
    where
        F: Future<Output = Result<(bool, T), ApiError>>,
    {
        let mut known = 0;
        let mut pause = FIRST_PAUSE;
        loop {
            match look().await {
                Ok((is_there, seen)) => {
                    *last = Some(seen);
                    if is_there {
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!(code = error.code.as_str(), "work can't be read, retrying");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(MAX_PAUSE);
            if !self.readers.is_empty() {
                match self.readers.news(known, pause).await {
                    Some(position) => known = position,
                    None => return,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_that_must_wait_is_rejected_if_too_many_wait() {
        let waiting = Waiting::default();
        let place = Place::default();
        let most = u32::try_from(MAX_WAITERS).expect("a small number");
        let all = waiting.all.clone().try_acquire_many_owned(most);
        let error = waiting.begin_or_reject(&place).map(drop);
        assert_eq!(error.expect_err("too many").code, ErrorCode::Busy);
        drop(all);
        assert!(waiting.begin_or_reject(&place).is_ok());
    }
}
