//! Requests that wait until the query tables show a position of the log: reads that request it, and
//! responses of writes.
//!
//! A waiting request holds no request slot. The number of waiting requests is limited, and for
//! reads also per user. A position beyond the end of the log is rejected at once.

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

/// Longest wait of a read.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Longest wait of the response of a write.
const MAX_WAIT_OF_WRITE: Duration = Duration::from_secs(2);
/// Largest number of reads of one user that wait at the same time.
const MAX_OF_USER: usize = 64;
/// Largest number of requests that wait at the same time.
const MAX_WAITERS: usize = 1024;
/// `Retry-After` of too many waiting reads.
const LATER: Duration = Duration::from_secs(1);

/// Waiting requests, and the known end of the log.
pub struct Waiting {
    of_user: Arc<Shares<UserId>>,
    all: Arc<Semaphore>,
    /// The last position that the log's leader has reported.
    known_end: AtomicU64,
    /// Time of the last request to the leader, and true if it answered. The lock is held during a
    /// request.
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
    /// Releases the slot of a request that begins to wait. Returns `None`, and keeps the slot, if
    /// too many requests wait.
    pub fn begin(&self, place: &Place) -> Option<OwnedSemaphorePermit> {
        let waits = self.all.clone().try_acquire_owned().ok()?;
        place.leave();
        Some(waits)
    }

    /// Waits until the tables show a position, at most 5 s. The request's slot is released
    /// meanwhile.
    ///
    /// # Errors
    /// 422 if the log has no such position; 429 if this user has too many waiting reads; 503 if
    /// there are too many in total, if the tables do not get there in time, or if no slot is free
    /// afterwards.
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
        // If the leader doesn't answer, the tables may still show the position.
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

    /// Waits until the tables show a write, at most 2 s. The request's slot is released meanwhile.
    /// Returns false if the tables are still behind.
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

    /// Returns true if the log has the position, false if it has not, and `None` if its leader does
    /// not answer. Concurrent calls share one request to the leader.
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
