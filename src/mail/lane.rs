//! Places for dialogues with the mail server. Dialogues in which the server takes long to answer have
//! separate places, so that other mails don't wait for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::IdleConnections;

/// Number of slow dialogues about one recipient's domain. While there are as many, no further one
/// begins.
const SLOW_PER_DOMAIN: usize = 2;

/// Places for dialogues, and the idle connections for them.
pub(super) struct Lane {
    places: Arc<Semaphore>,
    slow_places: Arc<Semaphore>,
    slow_after: Duration,
    slow_by_domain: Mutex<HashMap<String, usize>>,
    pub(super) idle: IdleConnections,
}

impl Lane {
    /// Creates `places` places, and as many for slow dialogues: those in which the server needs
    /// longer than `slow_after` for an answer.
    pub(super) fn new(places: usize, slow_after: Duration) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(places)),
            slow_places: Arc::new(Semaphore::new(places)),
            slow_after,
            slow_by_domain: Mutex::default(),
            idle: IdleConnections::default(),
        })
    }

    /// Waits for a free place. Returns `None` after [`Self::close`].
    pub(super) async fn place(self: &Arc<Self>, domain: &str) -> Option<Place> {
        let permit = self.places.clone().acquire_owned().await.ok()?;
        Some(Place {
            lane: self.clone(),
            permit,
            domain: domain.to_ascii_lowercase(),
            is_slow: false,
        })
    }

    /// Rejects further dialogues and closes the idle connections with QUIT.
    pub(super) async fn close(&self) {
        self.places.close();
        self.idle.close().await;
    }

    fn slow_by_domain(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.slow_by_domain
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Place of one dialogue.
pub(super) struct Place {
    lane: Arc<Lane>,
    permit: OwnedSemaphorePermit,
    domain: String,
    is_slow: bool,
}

impl Place {
    /// Returns true if many dialogues about the same domain are slow.
    pub(super) fn is_of_slow_domain(&self) -> bool {
        let slow = self.lane.slow_by_domain();
        slow.get(&self.domain)
            .is_some_and(|count| *count >= SLOW_PER_DOMAIN)
    }

    /// Waits for a part of the dialogue. If this takes long, the place becomes free for another
    /// dialogue, and this one continues in a place for slow dialogues if one is free.
    pub(super) async fn watch<T>(&mut self, part: impl Future<Output = T>) -> T {
        tokio::pin!(part);
        if !self.is_slow {
            tokio::select! {
                biased;
                done = &mut part => return done,
                () = tokio::time::sleep(self.lane.slow_after) => self.become_slow(),
            }
        }
        part.await
    }

    fn become_slow(&mut self) {
        self.is_slow = true;
        *self
            .lane
            .slow_by_domain()
            .entry(self.domain.clone())
            .or_default() += 1;
        if let Ok(permit) = self.lane.slow_places.clone().try_acquire_owned() {
            self.permit = permit;
        }
    }

    /// Ends the dialogue. The connection is kept for another one if it is reusable.
    pub(super) fn give_back(self, connection: AsyncSmtpConnection, reusable: bool) {
        if reusable && !connection.has_broken() {
            self.lane.idle.put(connection);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_slow {
            let mut slow = self.lane.slow_by_domain();
            if let Some(count) = slow.get_mut(&self.domain) {
                *count -= 1;
                if *count == 0 {
                    slow.remove(&self.domain);
                }
            }
        }
    }
}
