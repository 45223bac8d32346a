//! Delays of mails: before the next attempt, and before a mail to a slow domain is considered again.

use std::time::Duration;

use crate::domain::kernel::sending::Content;

/// Maximum delay before the next attempt.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(4 * 3_600);
/// First delay before a mail to a slow domain is considered again. It doubles, except if the mail
/// is urgent.
const BUSY_DELAY: Duration = Duration::from_secs(30);
/// Maximum delay before a mail to a slow domain is considered again.
const MAX_BUSY_DELAY: Duration = Duration::from_secs(600);

/// Returns the delay before the next attempt, after `failures` earlier failures and a new one.
pub(super) fn retry_delay<M: Content>(first: Duration, failures: u32) -> Duration {
    let factor = M::DELAY_FACTOR.saturating_pow(failures);
    first.saturating_mul(factor).min(MAX_RETRY_DELAY)
}

/// Varies a delay by up to half, so that mails that fail together are not sent together again.
pub(super) fn spread(delay: Duration) -> Duration {
    delay.mul_f64(rand::random_range(0.5..1.5))
}

/// Returns the delay before a mail to a slow domain is considered for the next time.
pub(super) fn busy_delay<M: Content>(attempt: u32) -> Duration {
    if M::IS_URGENT {
        return BUSY_DELAY;
    }
    let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
    BUSY_DELAY.saturating_mul(doubled).min(MAX_BUSY_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::accounts::notice::NoticeQueued;
    use crate::domain::certification::mail::EmailQueued;

    #[test]
    fn delays_grow_with_each_failure() {
        let first = Duration::from_secs(60);
        let mails: Vec<_> = (0..EmailQueued::MAX_FAILURES)
            .map(|n| retry_delay::<EmailQueued>(first, n).as_secs())
            .collect();
        assert_eq!(mails, [60, 240, 960, 3_840, 14_400, 14_400]);
        let notices: Duration = (0..NoticeQueued::MAX_FAILURES - 1)
            .map(|n| retry_delay::<NoticeQueued>(first / 4, n))
            .sum();
        // Longer than greylisting servers usually defer unknown senders.
        assert_eq!(notices.as_secs(), 1_905);
    }

    #[test]
    fn delay_for_a_slow_domain_doubles_up_to_ten_minutes() {
        let delays =
            [1, 2, 5, 6, 1_000].map(|attempt| busy_delay::<EmailQueued>(attempt).as_secs());
        assert_eq!(delays, [30, 60, 480, 600, 600]);
        let urgent = [1, 2, 1_000].map(|attempt| busy_delay::<NoticeQueued>(attempt).as_secs());
        assert_eq!(urgent, [30; 3]);
    }

    #[test]
    fn delays_are_spread() {
        let delay = Duration::from_secs(60);
        let spread: Vec<_> = (0..100).map(|_| spread(delay)).collect();
        assert!(spread.iter().all(|it| (30..90).contains(&it.as_secs())));
        assert!(spread.iter().any(|it| *it < delay) && spread.iter().any(|it| *it > delay));
    }
}
