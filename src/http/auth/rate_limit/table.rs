//! Rate table: stores how many calls each key may still make.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Rate limits by key, with the generic cell rate algorithm (ITU-T I.371). With `times` calls per
/// window, a key may make `times` calls at once, and after that one call per `window / times`.
///
/// A full table evicts the quarter of its keys with the fewest calls. So there is always room for a
/// new key, and a key with many calls can't escape its limit.
pub(super) struct RateTable<K> {
    window: Duration,
    /// Time after which one more call is allowed: the window divided by the number of calls.
    share: Duration,
    capacity: usize,
    /// Time at which the allowance of each key is full again. From that time on, the key can be
    /// evicted without any effect.
    whole_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Hash + Eq + Clone> RateTable<K> {
    /// Creates a table that allows `times` calls per `window` for each key, and stores at most
    /// `capacity` keys.
    pub(super) fn new(window: Duration, times: u32, capacity: usize) -> Self {
        Self {
            window,
            share: window / times.max(1),
            capacity,
            whole_at: Mutex::default(),
        }
    }

    /// Locks the table. Code that holds the lock never panics, so the data of a poisoned lock is
    /// consistent.
    fn kept(&self) -> MutexGuard<'_, HashMap<K, Instant>> {
        self.whole_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one call from a key's allowance.
    ///
    /// # Errors
    /// If the allowance is used up: the time until the next call is allowed.
    pub(super) fn take(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut kept = self.kept();
        let before = kept.get(key).copied();
        let after = before.map_or(now, |whole_at| whole_at.max(now)) + self.share;
        let owed = after.duration_since(now);
        if owed > self.window {
            return Err(owed - self.window);
        }
        if before.is_none() && kept.len() >= self.capacity {
            make_room(&mut kept, self.capacity, now);
        }
        kept.insert(key.clone(), after);
        Ok(())
    }

    /// Returns one call to a key's allowance.
    pub(super) fn give_back(&self, key: &K) {
        if let Some(whole_at) = self.kept().get_mut(key) {
            *whole_at = whole_at.checked_sub(self.share).unwrap_or(*whole_at);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kept().len()
    }
}

/// Evicts all keys whose allowance is full. If the table is still full, also evicts the quarter of
/// its keys with the fewest calls.
fn make_room<K: Hash + Eq>(kept: &mut HashMap<K, Instant>, capacity: usize, now: Instant) {
    kept.retain(|_, whole_at| *whole_at > now);
    if kept.len() < capacity {
        return;
    }
    let mut times: Vec<Instant> = kept.values().copied().collect();
    let mut surplus = times.len() / 4 + 1;
    let (_, least, _) = times.select_nth_unstable(surplus - 1);
    let least = *least;
    kept.retain(|_, whole_at| {
        let is_forgotten = *whole_at <= least && surplus > 0;
        surplus -= usize::from(is_forgotten);
        !is_forgotten
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn burst_of_one_minute_is_allowed_and_then_refilled_gradually() {
        let table = RateTable::new(MINUTE, 5, 10);
        let now = Instant::now();
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
    fn returned_call_can_be_used_again() {
        let table = RateTable::new(MINUTE, 2, 10);
        let now = Instant::now();
        for _ in 0..50 {
            assert_eq!(table.take(&"a", now), Ok(()));
            table.give_back(&"a");
        }
        assert_eq!(
            (table.take(&"a", now), table.take(&"a", now)),
            (Ok(()), Ok(()))
        );
        assert!(table.take(&"a", now).is_err());
    }

    #[test]
    fn full_table_does_not_grow_and_serves_new_keys() {
        let table = RateTable::new(MINUTE, 2, 8);
        let now = Instant::now();
        for _ in 0..2 {
            assert_eq!(table.take(&0, now), Ok(()));
        }
        let refused = (1..1_000)
            .filter(|key| table.take(key, now).is_err())
            .count();
        assert_eq!(refused, 0);
        assert!(table.len() <= 8);
        // The key with the most calls is not evicted.
        assert!(table.take(&0, now).is_err());
        // When the window has passed, the table has room again.
        assert_eq!(table.take(&5_000, now + 61 * SECOND), Ok(()));
        assert!(table.len() <= 8);
    }

    #[test]
    fn eviction_makes_room_if_all_keys_have_equal_use() {
        let now = Instant::now();
        let mut kept: HashMap<u32, Instant> = (0..100).map(|key| (key, now + SECOND)).collect();
        make_room(&mut kept, 100, now);
        assert_eq!(kept.len(), 74);
        make_room(&mut kept, 100, now);
        assert_eq!(kept.len(), 74, "there is room");
    }
}
