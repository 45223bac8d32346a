//! How often one client may call a route, and how often one account may be guessed at.
//!
//! Kept in this process alone: several API processes allow several times as much. Each table has a
//! bound; when it is full of those who have called lately, newcomers share one allowance.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::client_address::ClientAddress;
use super::settings::LimitSettings;
use super::{ApiError, ErrorCode};
use crate::domain::UserId;

/// What a rate is counted over.
const WINDOW: Duration = Duration::from_secs(60);
/// What codes are counted over.
const HOUR: Duration = Duration::from_secs(3_600);
/// The most keys that a table remembers; about 4 MiB.
const MAX_KEYS: usize = 65_536;
/// How often a full table is searched for what can be forgotten.
const SEARCH_EVERY: Duration = Duration::from_secs(1);

/// What a route counts its callers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Routes that take a password; few a minute from one address.
    Password,
    /// Routes that anybody may call and that cost something.
    Public,
}

/// All tables of this process.
pub struct RateLimits {
    password: RateTable<ClientAddress>,
    public: RateTable<ClientAddress>,
    /// Guesses at an account, by the claim that its name or e-mail address is held by: whether there
    /// is such an account makes no difference.
    accounts: RateTable<String>,
    /// Guesses at a user's second factor, which few who know the password can make: six digits need a longer
    /// memory than a minute.
    codes: RateTable<UserId>,
}

impl RateLimits {
    /// As the operator has set them.
    #[must_use]
    pub fn new(settings: &LimitSettings) -> Self {
        Self {
            password: RateTable::new(settings.password_per_minute, MAX_KEYS),
            public: RateTable::new(settings.public_per_minute, MAX_KEYS),
            accounts: RateTable::new(settings.failed_logins_per_minute, MAX_KEYS),
            codes: RateTable::over(HOUR, settings.wrong_codes_per_hour, MAX_KEYS),
        }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// 429 with `Retry-After`, if it was one too many; it isn't counted then.
    pub fn count(&self, limit: Limit, client: ClientAddress) -> Result<(), ApiError> {
        let (name, table) = match limit {
            Limit::Password => ("password", &self.password),
            Limit::Public => ("public", &self.public),
        };
        table.take(&client, Instant::now()).map_err(|wait| too_many(name, wait))
    }

    /// Counts a guess at an account, before it is known whether it is right.
    ///
    /// # Errors
    /// 429 with `Retry-After`, if there were too many wrong ones.
    pub fn guess(&self, account: &str) -> Result<(), ApiError> {
        let taken = self.accounts.take(&account.to_owned(), Instant::now());
        taken.map_err(|wait| too_many("account", wait))
    }

    /// The guess was right, and doesn't count.
    pub fn guessed_right(&self, account: &str) {
        self.accounts.give_back(&account.to_owned());
    }

    /// Counts a guess at a user's second factor, before it is known whether it is right.
    ///
    /// # Errors
    /// 429 with `Retry-After`, if there were too many wrong ones.
    pub fn guess_code(&self, user: UserId) -> Result<(), ApiError> {
        self.codes.take(&user, Instant::now()).map_err(|wait| too_many("code", wait))
    }

    /// The code was right, and doesn't count.
    pub fn code_was_right(&self, user: UserId) {
        self.codes.give_back(&user);
    }
}

fn too_many(limit: &'static str, wait: Duration) -> ApiError {
    metrics::counter!("laureate_rate_limited_total", "limit" => limit).increment(1);
    let seconds = wait.as_secs() + 1;
    let message = format!("too many requests of this kind; try again in {seconds} seconds");
    ApiError::new(ErrorCode::TooManyRequests, message).retry_after(Duration::from_secs(seconds))
}

/// Allowances by key: as many at once as the window allows, and then one whenever its share of it
/// has passed (the generic cell rate algorithm of ITU-T I.371).
struct RateTable<K> {
    window: Duration,
    /// What one call costs.
    share: Duration,
    capacity: usize,
    kept: Mutex<Kept<K>>,
}

struct Kept<K> {
    /// When each key's allowance is whole again; a key whose time has passed may be forgotten.
    whole_at: HashMap<K, Instant>,
    /// The same for all that find no room.
    others_whole_at: Option<Instant>,
    searched: Option<Instant>,
}

impl<K: Hash + Eq + Clone> RateTable<K> {
    fn new(per_minute: u32, capacity: usize) -> Self {
        Self::over(WINDOW, per_minute, capacity)
    }

    fn over(window: Duration, times: u32, capacity: usize) -> Self {
        let kept = Kept { whole_at: HashMap::new(), others_whole_at: None, searched: None };
        Self { window, share: window / times.max(1), capacity, kept: Mutex::new(kept) }
    }

    /// Nothing between lock and unlock can panic half-way, so a poisoned lock still holds whole entries.
    fn kept(&self) -> MutexGuard<'_, Kept<K>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one from a key's allowance, or tells how long until there is one.
    fn take(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut kept = self.kept();
        let has_room = kept.whole_at.contains_key(key) || kept.make_room(self.capacity, now);
        let before = if has_room { kept.whole_at.get(key).copied() } else { kept.others_whole_at };
        let after = before.map_or(now, |whole_at| whole_at.max(now)) + self.share;
        let owed = after.duration_since(now);
        if owed > self.window {
            return Err(owed - self.window);
        }
        if has_room {
            kept.whole_at.insert(key.clone(), after);
        } else {
            kept.others_whole_at = Some(after);
        }
        Ok(())
    }

    /// Gives back what was taken.
    fn give_back(&self, key: &K) {
        let mut kept = self.kept();
        let Kept { whole_at, others_whole_at, .. } = &mut *kept;
        if let Some(whole_at) = whole_at.get_mut(key).or(others_whole_at.as_mut()) {
            *whole_at = whole_at.checked_sub(self.share).unwrap_or(*whole_at);
        }
    }
}

impl<K: Hash + Eq> Kept<K> {
    /// Whether there is room for another key, after forgetting those whose allowance is whole.
    fn make_room(&mut self, capacity: usize, now: Instant) -> bool {
        let searched_lately = self.searched.is_some_and(|then| now.duration_since(then) < SEARCH_EVERY);
        if self.whole_at.len() >= capacity && !searched_lately {
            self.searched = Some(now);
            self.whole_at.retain(|_, whole_at| *whole_at > now);
        }
        self.whole_at.len() < capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_minutes_worth_is_there_at_once_and_then_one_at_a_time() {
        let (table, now) = (RateTable::new(5, 10), Instant::now());
        for _ in 0..5 {
            assert_eq!(table.take(&"a", now), Ok(()));
        }
        assert_eq!(table.take(&"a", now), Err(12 * SECOND));
        assert_eq!(table.take(&"b", now), Ok(()));
        assert_eq!(table.take(&"a", now + 11 * SECOND), Err(SECOND));
        assert_eq!(table.take(&"a", now + 12 * SECOND), Ok(()));
        assert_eq!(table.take(&"a", now + 12 * SECOND), Err(12 * SECOND));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let (table, now) = (RateTable::new(2, 10), Instant::now());
        for _ in 0..50 {
            assert_eq!(table.take(&"a", now), Ok(()));
            table.give_back(&"a");
        }
        assert_eq!((table.take(&"a", now), table.take(&"a", now)), (Ok(()), Ok(())));
        assert!(table.take(&"a", now).is_err());
    }

    #[test]
    fn a_full_table_grows_no_further_and_lets_nobody_through_for_that() {
        let (table, now) = (RateTable::new(2, 3), Instant::now());
        for key in 0..3 {
            assert_eq!(table.take(&key, now), Ok(()));
        }
        let passed = (3..1_000).filter(|key| table.take(key, now).is_ok()).count();
        assert_eq!((passed, table.kept().whole_at.len()), (2, 3));
        // Who has a place keeps it.
        assert_eq!(table.take(&0, now), Ok(()));
        // Later there is room again.
        assert_eq!(table.take(&5_000, now + 61 * SECOND), Ok(()));
        assert_eq!(table.kept().whole_at.len(), 1);
    }

    #[test]
    fn the_answer_tells_when_to_come_back() {
        let settings = LimitSettings { password_per_minute: 1, ..LimitSettings::default() };
        let limits = RateLimits::new(&settings);
        assert!(limits.count(Limit::Password, ClientAddress::Unknown).is_ok());
        assert!(limits.count(Limit::Public, ClientAddress::Unknown).is_ok());
        let refused = limits.count(Limit::Password, ClientAddress::Unknown).unwrap_err();
        assert_eq!(refused.code, ErrorCode::TooManyRequests);
        assert!(refused.retry_after.is_some_and(|wait| wait > 50 * SECOND && wait <= 60 * SECOND));
    }
}
