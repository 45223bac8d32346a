//! Limits of the uploads that are in progress and of the uploads that are processed at the same
//! time. Each limit exists for all clients together and for one client.
//!
//! An upload takes a place before its body is read. So the number of places limits the use of disk
//! and memory. The upload then waits for its turn to be processed. It waits first for earlier
//! uploads of the same client, so that one client can't delay the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::UserId;
use crate::http::{ApiError, ErrorCode};

/// Value of `Retry-After` in the response to a rejected upload.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Limits of an [`Intake`].
#[derive(Clone, Copy, Debug)]
pub struct IntakeLimits {
    /// Largest number of uploads in progress, for all clients together.
    pub places: usize,
    /// Largest number of uploads in progress, for one client.
    pub places_each: usize,
    /// Largest number of uploads that are processed at the same time, for all clients together.
    pub at_once: usize,
    /// Largest number of uploads that are processed at the same time, for one client.
    pub at_once_each: usize,
}

/// Limiter for uploads of one kind. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    limits: IntakeLimits,
    places: Arc<Semaphore>,
    work: Arc<Semaphore>,
    clients: Arc<Mutex<HashMap<UserId, Client>>>,
}

/// State of a client that has uploads in progress.
struct Client {
    places: usize,
    work: Arc<Semaphore>,
}

/// Place of one upload. It is taken before the body is read, and released with the response.
pub struct Place {
    intake: Intake,
    client: UserId,
    client_work: Arc<Semaphore>,
    _place: OwnedSemaphorePermit,
}

/// Permit to process one upload. The blocking work owns it, because the work may continue after the
/// request has ended.
pub struct Turn {
    _of_client: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Intake {
    /// Creates a limiter that has no uploads yet.
    #[must_use]
    pub fn new(limits: IntakeLimits) -> Self {
        Self {
            limits,
            places: Arc::new(Semaphore::new(limits.places)),
            work: Arc::new(Semaphore::new(limits.at_once)),
            clients: Arc::default(),
        }
    }

    /// Takes a place for an upload of `client`, which is a user or the owner of an API key.
    ///
    /// # Errors
    /// 429 if this client has too many uploads in progress; 503 if all clients together have too
    /// many. Both responses have `Retry-After`.
    pub fn enter(&self, client: UserId) -> Result<Place, ApiError> {
        let mut clients = self.clients();
        // A turn can outlive its place. The client's entry must stay until the turn ends, because a
        // new semaphore would ignore that turn.
        clients.retain(|_, known| {
            known.places > 0 || known.work.available_permits() < self.limits.at_once_each
        });
        let taken = clients.get(&client).map_or(0, |known| known.places);
        if taken >= self.limits.places_each {
            let message = format!(
                "you have {taken} uploads of this kind in progress, which is the limit; wait for their responses"
            );
            return Err(ApiError::new(ErrorCode::TooManyRequests, message).retry_after(RETRY_AFTER));
        }
        let place = self.places.clone().try_acquire_owned().map_err(|_| {
            let message = "too many uploads are in progress; try again";
            ApiError::new(ErrorCode::Busy, message).retry_after(RETRY_AFTER)
        })?;
        let known = clients.entry(client).or_insert_with(|| Client {
            places: 0,
            work: Arc::new(Semaphore::new(self.limits.at_once_each)),
        });
        known.places += 1;
        let client_work = known.work.clone();
        Ok(Place {
            intake: self.clone(),
            client,
            client_work,
            _place: place,
        })
    }

    /// Locks the table of clients. Code that holds the lock never panics, so the data of a poisoned
    /// lock is consistent.
    fn clients(&self) -> MutexGuard<'_, HashMap<UserId, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until this upload may be processed.
    ///
    /// # Errors
    /// 500 if a semaphore is closed, which never happens.
    pub async fn turn(&self) -> Result<Turn, ApiError> {
        let of_client = self
            .client_work
            .clone()
            .acquire_owned()
            .await
            .map_err(ApiError::internal)?;
        let of_all = self
            .intake
            .work
            .clone()
            .acquire_owned()
            .await
            .map_err(ApiError::internal)?;
        Ok(Turn {
            _of_client: of_client,
            _of_all: of_all,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut clients = self.intake.clients();
        if let Some(known) = clients.get_mut(&self.client) {
            known.places -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    fn intake() -> Intake {
        Intake::new(IntakeLimits {
            places: 3,
            places_each: 2,
            at_once: 2,
            at_once_each: 1,
        })
    }

    fn client(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn code(entered: Result<Place, ApiError>) -> ErrorCode {
        let error = entered.map(drop).expect_err("refused");
        assert!(error.retry_after.is_some());
        error.code
    }

    #[test]
    fn client_limit_applies_before_the_limit_of_all_uploads() {
        let intake = intake();
        let first = intake.enter(client(1)).unwrap();
        let _second = intake.enter(client(1)).unwrap();
        assert_eq!(code(intake.enter(client(1))), ErrorCode::TooManyRequests);
        let _other = intake.enter(client(2)).unwrap();
        assert_eq!(code(intake.enter(client(3))), ErrorCode::Busy);
        drop(first);
        assert!(intake.enter(client(3)).is_ok());
    }

    #[test]
    fn clients_without_uploads_are_forgotten() {
        let intake = intake();
        for n in 0..100 {
            drop(intake.enter(client(n)).unwrap());
        }
        let _last = intake.enter(client(100)).unwrap();
        assert_eq!(intake.clients().len(), 1);
    }

    #[tokio::test]
    async fn upload_waits_only_for_other_uploads_of_its_client() {
        let intake = intake();
        let first = intake.enter(client(1)).unwrap();
        let second = intake.enter(client(1)).unwrap();
        let other = intake.enter(client(2)).unwrap();
        let turn = first.turn().await.unwrap();
        assert!(second.turn().now_or_never().is_none());
        let of_other = other.turn().now_or_never().expect("at once").unwrap();
        drop(turn);
        assert!(second.turn().now_or_never().is_some());
        drop(of_other);
    }

    #[tokio::test]
    async fn turn_counts_for_its_client_even_after_its_place_is_released() {
        let intake = intake();
        let first = intake.enter(client(1)).unwrap();
        let turn = first.turn().await.unwrap();
        drop(first);
        let again = intake.enter(client(1)).unwrap();
        assert!(again.turn().now_or_never().is_none());
        drop(turn);
        assert!(again.turn().now_or_never().is_some());
    }
}
