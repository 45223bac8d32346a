//! Progress of a long operation.

use std::time::Duration;

use crate::event_log::Position;

/// Progress of a long operation.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Start position: 0, or the position of a resumed copy.
    pub from: Position,
    /// Current position.
    pub position: Position,
    /// Target position. It may increase while the operation runs.
    pub target: Position,
    /// Number of events that this operation has applied.
    pub events: u64,
    /// Time since the start of this operation.
    pub elapsed: Duration,
}

impl Progress {
    /// Returns the average number of applied events per second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.events as f64 / self.elapsed.as_secs_f64().max(0.001)
    }

    /// Returns the estimated remaining time at the average rate. Returns `None` if there is no
    /// progress yet.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let done = self.position.saturating_sub(self.from);
        let rest = self.target.saturating_sub(self.position);
        (done > 0).then(|| {
            Duration::try_from_secs_f64(self.elapsed.as_secs_f64() * rest as f64 / done as f64).ok()
        })?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_time_is_extrapolated_from_this_run() {
        let elapsed = Duration::from_secs(2);
        let now = Progress {
            from: 1_000,
            position: 3_000,
            target: 9_000,
            events: 500,
            elapsed,
        };
        assert_eq!(now.left(), Some(Duration::from_secs(6)));
        assert!((now.per_second() - 250.0).abs() < f64::EPSILON);
        assert_eq!(
            Progress {
                position: 1_000,
                ..now
            }
            .left(),
            None
        );
        assert_eq!(
            Progress {
                target: 2_000,
                ..now
            }
            .left(),
            Some(Duration::ZERO)
        );
    }
}
