//! LRU cache, bounded by entries and bytes.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// LRU cache, most recently used entry first. A lookup compares the key with each entry, so `most`
/// should be small.
#[derive(Debug)]
pub(super) struct LruCache<K, V> {
    kept: Mutex<VecDeque<(K, V)>>,
    most: usize,
    most_bytes: usize,
    size: fn(&V) -> usize,
}

impl<K, V: Clone> LruCache<K, V> {
    /// Creates a cache for `most` entries and `most_bytes` bytes, as measured by `size`. One entry
    /// is always kept.
    pub(super) const fn new(most: usize, most_bytes: usize, size: fn(&V) -> usize) -> Self {
        Self {
            kept: Mutex::new(VecDeque::new()),
            most,
            most_bytes,
            size,
        }
    }

    /// Returns the value of a key and marks it as used.
    pub(super) fn get<Q: PartialEq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        used(&mut self.kept(), key)
    }

    /// Returns the value of a key. Inserts `value` if there is none, and evicts the entries that no
    /// longer fit.
    pub(super) fn get_or_insert<Q>(&self, key: &Q, value: impl FnOnce() -> V) -> V
    where
        Q: ToOwned<Owned = K> + PartialEq + ?Sized,
        K: Borrow<Q>,
    {
        let mut kept = self.kept();
        if let Some(known) = used(&mut kept, key) {
            return known;
        }
        let value = value();
        kept.push_front((key.to_owned(), value.clone()));
        let mut bytes = 0;
        let fit = kept.iter().take(self.most).take_while(|(_, value)| {
            bytes += (self.size)(value);
            bytes <= self.most_bytes
        });
        let fit = fit.count().max(1);
        kept.truncate(fit);
        value
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(K, V)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn used<K: Borrow<Q>, V: Clone, Q: PartialEq + ?Sized>(
    kept: &mut VecDeque<(K, V)>,
    key: &Q,
) -> Option<V> {
    let at = kept.iter().position(|(known, _)| known.borrow() == key)?;
    if at > 0 {
        let entry = kept.remove(at)?;
        kept.push_front(entry);
    }
    kept.front().map(|(_, value)| value.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn least_recently_used_entry_is_evicted() {
        let cache = LruCache::<String, u32>::new(2, usize::MAX, |_| 0);
        assert_eq!(cache.get_or_insert("a", || 1), 1);
        assert_eq!(cache.get_or_insert("b", || 2), 2);
        assert_eq!(cache.get_or_insert("a", || 9), 1, "already cached");
        cache.get_or_insert("c", || 3);
        assert_eq!(
            ["a", "b", "c"].map(|key| cache.get(key)),
            [Some(1), None, Some(3)]
        );
    }

    #[test]
    fn entry_larger_than_the_limit_is_kept_alone() {
        let cache = LruCache::<String, usize>::new(8, 10, |size| *size);
        for (key, size) in [("a", 4), ("b", 5), ("c", 2)] {
            cache.get_or_insert(key, || size);
        }
        assert_eq!(
            ["a", "b", "c"].map(|key| cache.get(key)),
            [None, Some(5), Some(2)]
        );
        cache.get_or_insert("d", || 11);
        assert_eq!(
            ["b", "c", "d"].map(|key| cache.get(key)),
            [None, None, Some(11)]
        );
    }

    proptest! {
        #[test]
        fn cache_is_bounded_and_returns_inserted_values(asked in proptest::collection::vec(0_u8..12, 0..200)) {
            let cache = LruCache::<Vec<u8>, usize>::new(5, 30, |size| *size);
            for key in asked {
                prop_assert_eq!(cache.get_or_insert(&[key][..], || key.into()), usize::from(key));
                let kept: Vec<usize> = cache.kept().iter().map(|(_, size)| *size).collect();
                prop_assert!(kept.len() <= 5 && (kept.len() == 1 || kept.iter().sum::<usize>() <= 30));
            }
        }
    }
}
