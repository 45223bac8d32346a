//! How far a long piece of work is.

use std::time::Duration;

use crate::event_log::Position;

/// How far a long piece of work is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Where it began: 0, or where an earlier one had stopped.
    pub from: Position,
    /// The log's position reached.
    pub position: Position,
    /// The position to reach; it may move on while the work runs.
    pub target: Position,
    /// Events applied so far, by this piece of work.
    pub events: u64,
    /// Since it began.
    pub elapsed: Duration,
}

impl Progress {
    /// Events applied per second, since the beginning.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.events as f64 / self.elapsed.as_secs_f64().max(0.001)
    }

    /// How long the rest takes at the rate so far; nothing where there is no rate yet.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let (done, rest) =
            (self.position.saturating_sub(self.from), self.target.saturating_sub(self.position));
        (done > 0).then(|| {
            Duration::try_from_secs_f64(self.elapsed.as_secs_f64() * rest as f64 / done as f64).ok()
        })?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_what_this_piece_of_work_did() {
        let elapsed = Duration::from_secs(2);
        let now = Progress { from: 1_000, position: 3_000, target: 9_000, events: 500, elapsed };
        assert_eq!(now.left(), Some(Duration::from_secs(6)));
        assert!((now.per_second() - 250.0).abs() < f64::EPSILON);
        assert_eq!(Progress { position: 1_000, ..now }.left(), None);
        assert_eq!(Progress { target: 2_000, ..now }.left(), Some(Duration::ZERO));
    }
}
