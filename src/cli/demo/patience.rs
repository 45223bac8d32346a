//! Timeout for waiting without progress.

use std::time::{Duration, Instant};

/// Timeout that restarts after each progress.
#[derive(Debug)]
pub struct Patience {
    limit: Duration,
    last: u64,
    changed: Instant,
}

impl Patience {
    /// Starts the timeout. `limit` is the longest time without progress.
    pub const fn new(limit: Duration, now: Instant) -> Self {
        Self {
            limit,
            last: 0,
            changed: now,
        }
    }

    /// Records the progress `done`. Returns true if the progress last changed less than the limit
    /// ago.
    pub fn lasts(&mut self, done: u64, now: Instant) -> bool {
        if done != self.last {
            (self.last, self.changed) = (done, now);
        }
        now.saturating_duration_since(self.changed) < self.limit
    }
}

/// Returns the polling interval. Polling must cost little, and small runs must be timed accurately.
pub const fn polling_interval(people: u64) -> Duration {
    Duration::from_millis(match people {
        0..=1_000 => 25,
        1_001..=20_000 => 200,
        _ => 1_000,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeout_restarts_after_each_progress() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut patience = Patience::new(Duration::from_secs(10), begun);
        assert!(patience.lasts(0, at(9)));
        assert!(patience.lasts(1, at(10)));
        assert!(patience.lasts(1, at(19)));
        assert!(!patience.lasts(1, at(20)));
        assert!(patience.lasts(2, at(21)));
    }
}
