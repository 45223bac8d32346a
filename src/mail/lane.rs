//! Places for dialogues with the mail server. Dialogues in which the server takes long to answer
//! have separate places, so that other mails don't wait for them.
//!
//! A domain that is not known begins with a part of the places. Each dialogue without a slow answer
//! gives it one more. Slow dialogues of a domain are counted apart, and it has a part of the slow
//! places. So a domain whose answers are missing never holds all places, and one whose answers are
//! slow can use slow places.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::connection::IdleConnections;

/// A domain has one of this number of slow places, and begins with one of this number of places.
const PART: usize = 4;
/// A domain has at least this number of both, so that one slow dialogue doesn't stop the others.
const LEAST_PART: usize = 2;
/// Number of known domains above which those without a dialogue are forgotten.
const MAX_KNOWN: usize = 1_000;
/// Time after which another connection is tried, if one failed although others are open.
const CONNECT_AGAIN: Duration = Duration::from_secs(5);

/// Number of dialogues that have a connection, in all lanes of one mailer.
pub(super) type Connected = Arc<AtomicUsize>;

/// Places for dialogues, and the idle connections for them.
pub(super) struct Lane {
    places: Arc<Semaphore>,
    slow_places: Arc<Semaphore>,
    slow_after: Duration,
    /// Number of places with which a domain begins.
    first: usize,
    /// Number of all places that are not slow.
    most: usize,
    /// Number of slow dialogues of a domain with which no other one begins.
    most_slow: usize,
    domains: Mutex<HashMap<String, Domain>>,
    /// Notified after each change of a domain.
    changed: Notify,
    connected: Connected,
    pub(super) idle: IdleConnections,
}

/// Dialogues about recipients of one domain.
struct Domain {
    /// Number of all dialogues.
    open: usize,
    /// Number of slow dialogues.
    slow: usize,
    /// Number of dialogues that are not slow, up to which another one may begin.
    limit: usize,
}

impl Domain {
    /// Returns true if another dialogue may begin.
    const fn may_begin(&self, most_slow: usize) -> bool {
        self.open - self.slow < self.limit && self.slow < most_slow
    }
}

/// Returns the number of these places with which a domain begins.
fn part_of(places: usize) -> usize {
    (places / PART).max(LEAST_PART.min(places))
}

/// Answer to a request for a place.
pub(super) enum Admission {
    /// The dialogue may begin.
    Place(Place),
    /// The domain has slow dialogues and may have no further one.
    Busy,
    /// The lane is closed.
    Closed,
}

impl Lane {
    /// Creates `places` places, and `slow_places` for dialogues in which the server needs longer
    /// than `slow_after` for an answer.
    pub(super) fn new(
        places: usize,
        slow_places: usize,
        slow_after: Duration,
        connected: &Connected,
    ) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(places)),
            slow_places: Arc::new(Semaphore::new(slow_places)),
            slow_after,
            first: part_of(places),
            most: places,
            most_slow: part_of(slow_places),
            domains: Mutex::default(),
            changed: Notify::new(),
            connected: connected.clone(),
            idle: IdleConnections::default(),
        })
    }

    /// Waits for a free place. While a domain has as many dialogues as it may have, and none of
    /// them is slow, waits until one ends.
    pub(super) async fn place(self: &Arc<Self>, domain: &str) -> Admission {
        let domain = domain.to_ascii_lowercase();
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let Ok(permit) = self.places.clone().acquire_owned().await else {
                return Admission::Closed;
            };
            {
                let mut domains = self.domains();
                if domains.len() > MAX_KNOWN {
                    domains.retain(|_, known| known.open > 0);
                }
                let known = domains.entry(domain.clone()).or_insert(Domain {
                    open: 0,
                    slow: 0,
                    limit: self.first,
                });
                if known.may_begin(self.most_slow) {
                    known.open += 1;
                    return Admission::Place(Place {
                        lane: self.clone(),
                        permit,
                        domain,
                        is_slow: false,
                        has_slow_place: false,
                        is_connected: false,
                    });
                }
                if known.slow > 0 {
                    return Admission::Busy;
                }
            }
            drop(permit);
            changed.await;
        }
    }

    /// Returns true if a dialogue about this domain would get the answer [`Admission::Busy`].
    pub(super) fn is_busy(&self, domain: &str) -> bool {
        let domains = self.domains();
        let known = domains.get(&domain.to_ascii_lowercase());
        known.is_some_and(|known| known.slow > 0 && !known.may_begin(self.most_slow))
    }

    /// Returns true if a dialogue of any lane has a connection.
    pub(super) fn has_connections(&self) -> bool {
        self.connected.load(Ordering::Relaxed) > 0
    }

    /// Waits until a connection is idle or [`CONNECT_AGAIN`] has passed.
    pub(super) async fn idle_soon(&self) {
        let idle = async {
            loop {
                let mut changed = pin!(self.changed.notified());
                changed.as_mut().enable();
                if self.idle.has_any() {
                    return;
                }
                changed.await;
            }
        };
        // If it isn't in time, the caller tries to connect.
        let _ = tokio::time::timeout(CONNECT_AGAIN, idle).await;
    }

    /// Rejects further dialogues and closes the idle connections with QUIT.
    pub(super) async fn close(&self) {
        self.places.close();
        self.changed.notify_waiters();
        self.idle.close().await;
    }

    fn domains(&self) -> MutexGuard<'_, HashMap<String, Domain>> {
        self.domains.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the domain of an open dialogue.
    fn change(&self, domain: &str, change: impl FnOnce(&mut Domain)) {
        if let Some(known) = self.domains().get_mut(domain) {
            change(known);
        }
        self.changed.notify_waiters();
    }
}

/// Place of one dialogue.
pub(super) struct Place {
    lane: Arc<Lane>,
    permit: OwnedSemaphorePermit,
    domain: String,
    is_slow: bool,
    has_slow_place: bool,
    is_connected: bool,
}

impl Place {
    /// Waits for a part of the dialogue. If this takes long, the dialogue continues in a place for
    /// slow dialogues as soon as one is free. Its own place is then free for another dialogue.
    pub(super) async fn watch<T>(&mut self, part: impl Future<Output = T>) -> T {
        let mut part = pin!(part);
        if !self.is_slow {
            tokio::select! {
                biased;
                done = &mut part => return done,
                () = tokio::time::sleep(self.lane.slow_after) => self.become_slow(),
            }
        }
        if !self.has_slow_place {
            let slow_place = self.lane.slow_places.clone().acquire_owned();
            tokio::select! {
                biased;
                done = &mut part => return done,
                Ok(permit) = slow_place => {
                    self.permit = permit;
                    self.has_slow_place = true;
                }
            }
        }
        part.await
    }

    /// Notes that the dialogue has a connection.
    pub(super) fn connected(&mut self) {
        if !self.is_connected {
            self.is_connected = true;
            self.lane.connected.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that the dialogue has no connection any more.
    pub(super) fn disconnected(&mut self) {
        if self.is_connected {
            self.is_connected = false;
            self.lane.connected.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn become_slow(&mut self) {
        self.is_slow = true;
        let first = self.lane.first;
        self.lane.change(&self.domain, |domain| {
            domain.slow += 1;
            domain.limit = first;
        });
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
        self.disconnected();
        let most = self.lane.most;
        let is_slow = self.is_slow;
        self.lane.change(&self.domain, |domain| {
            domain.open -= 1;
            if is_slow {
                domain.slow -= 1;
            } else {
                domain.limit = (domain.limit + 1).min(most);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep_until};

    use super::*;

    /// Opens dialogues without an answer until the domain may have no further one. Returns their
    /// number.
    async fn silent(lane: &Arc<Lane>) -> usize {
        let (mut open, mut refusals) = (0, 0);
        while refusals < 2 {
            match lane.place("example.org").await {
                Admission::Place(mut place) => {
                    (open, refusals) = (open + 1, 0);
                    tokio::spawn(async move { place.watch(std::future::pending::<()>()).await });
                }
                Admission::Busy => {
                    refusals += 1;
                    // The others become slow meanwhile.
                    sleep_until(Instant::now() + Duration::from_secs(20)).await;
                }
                Admission::Closed => panic!("nothing closes it"),
            }
        }
        open
    }

    #[tokio::test(start_paused = true)]
    async fn slow_domain_gets_a_part_of_the_slow_places() {
        for (places, slow_places, part) in [(8, 32, 8), (8, 8, 2), (2, 4, 2), (1, 1, 1)] {
            let slow_after = Duration::from_secs(10);
            let lane = Lane::new(places, slow_places, slow_after, &Connected::default());
            // One more may begin while only some of the others are slow.
            let open = silent(&lane).await;
            assert!((part..=part + 1).contains(&open), "{open} of {slow_places}");
            assert!(matches!(
                lane.place("example.net").await,
                Admission::Place(_)
            ));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_slow_dialogue_does_not_stop_the_others_of_its_domain() {
        let slow_after = Duration::from_secs(10);
        let lane = Lane::new(2, 4, slow_after, &Connected::default());
        let Admission::Place(mut first) = lane.place("example.org").await else {
            panic!("all places are free")
        };
        tokio::spawn(async move { first.watch(std::future::pending::<()>()).await });
        sleep_until(Instant::now() + 2 * slow_after).await;
        assert!(!lane.is_busy("example.org"));
        assert!(matches!(
            lane.place("example.org").await,
            Admission::Place(_)
        ));
    }
}
