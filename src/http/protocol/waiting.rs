//! Requests that wait until the query tables contain a position of the log: reads whose client asks
//! for it, and writes before their response.
//!
//! A request has no request slot while it waits. The number of waiting requests is limited, and the
//! number of waiting reads is also limited for each user. A read of a position that is not in the
//! log yet is rejected without waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

use crate::domain::UserId;
use crate::event_log::Position;
use crate::http::server::layers::guard::Place;
use crate::http::server::shares::Shares;
use crate::http::{ApiError, ErrorCode, HttpState};

/// Longest time that a read waits.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Longest time that a write waits before its response.
const MAX_WAIT_OF_WRITE: Duration = Duration::from_secs(2);
/// Largest number of reads of one user that wait at the same time.
const MAX_OF_USER: usize = 64;
/// Largest number of requests that wait at the same time.
const MAX_WAITERS: usize = 1024;
/// Value of `Retry-After` if too many reads wait.
const LATER: Duration = Duration::from_secs(1);

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

    /// Waits at most 5 s until the tables contain `position`. The request has no slot during the
    /// wait.
    ///
    /// # Errors
    /// 422 if the log does not have `position`; 429 if this user has too many waiting reads; 503 if
    /// all users together have too many, if the tables do not contain `position` in time, or if no
    /// slot is free after the wait.
    pub async fn wait(
        &self,
        http: &HttpState,
        user: UserId,
        position: Position,
        place: &Place,
    ) -> Result<(), ApiError> {
        if http.readers.shows(position) {
            return Ok(());
        }
        let Some(_of_user) = self.of_user.take(user, 1) else {
            let message =
                format!("you have {MAX_OF_USER} reads that wait for a position; try again");
            return Err(ApiError::new(ErrorCode::TooManyRequests, message).retry_after(LATER));
        };
        let Some(_waits) = self.begin(place) else {
            let message = "too many reads wait for a position; try again";
            return Err(ApiError::new(ErrorCode::Busy, message).retry_after(LATER));
        };
        let deadline = tokio::time::Instant::now() + MAX_WAIT;
        // Even if the leader does not answer, the tables may soon contain the position.
        if let Ok(Some(false)) = timeout_at(deadline, self.is_in_log(http, position)).await {
            let message =
                format!("the log has no position {position}; give the X-Event-Position of a write");
            return Err(ApiError::new(ErrorCode::PositionBeyondEnd, message));
        }
        http.readers
            .wait_for(
                position,
                deadline.duration_since(tokio::time::Instant::now()),
            )
            .await?;
        place.enter_again(http, LATER).await
    }

    /// Waits at most 2 s until the tables contain a write. The request has no slot during the wait.
    /// Returns false if the tables do not contain the write in time, or if too many requests wait.
    pub async fn wait_for_write(
        &self,
        http: &HttpState,
        position: Position,
        place: &Place,
    ) -> bool {
        if http.readers.shows(position) {
            return true;
        }
        let Some(_waits) = self.begin(place) else {
            return false;
        };
        http.readers
            .wait_for(position, MAX_WAIT_OF_WRITE)
            .await
            .is_ok()
    }

    /// Returns true if the log has `position`, false if not, and `None` if the leader of the log
    /// does not answer. Concurrent calls share one request to the leader.
    pub async fn is_in_log(&self, http: &HttpState, position: Position) -> Option<bool> {
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
