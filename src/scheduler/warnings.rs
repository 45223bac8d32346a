//! Warnings derived from the counts of mails, without side effects.

use super::settings::WarningSettings;
use crate::projection::queries::jobs::{JobsSummary, RecentOutcomes};

/// Minimum number of ended mails for a success rate.
const ENOUGH: i64 = 10;

/// Warning for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Too many mails wait for a worker or for another attempt, or are being sent. The value is
    /// their number.
    ManyPending(i64),
    /// Too many mails failed or have an unknown outcome. The value is their number.
    Failures(i64),
    /// Too few of the ended mails were sent. The value is their percentage.
    LowSuccessRate(i64),
}

impl Warning {
    /// Returns the name used as a metric label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ManyPending(_) => "many_pending",
            Self::Failures(_) => "failures",
            Self::LowSuccessRate(_) => "low_success_rate",
        }
    }
}

/// Returns the warnings for these counts. Held and scheduled mails wait on purpose and don't count
/// as pending.
#[must_use]
pub fn warnings(
    summary: &JobsSummary,
    recent: &RecentOutcomes,
    settings: WarningSettings,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let pending = summary.queued + summary.claimed + summary.retrying;
    if pending > settings.max_pending.into() {
        warnings.push(Warning::ManyPending(pending));
    }
    if recent.failed > settings.max_failed.into() {
        warnings.push(Warning::Failures(recent.failed));
    }
    let ended = recent.sent + recent.failed;
    if ended >= ENOUGH && recent.sent * 100 < ended * i64::from(settings.min_success_percent) {
        warnings.push(Warning::LowSuccessRate(recent.sent * 100 / ended));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(queued: i64, held: i64, sent: i64, failed: i64) -> Vec<Warning> {
        let settings = WarningSettings {
            max_pending: 50,
            max_failed: 2,
            min_success_percent: 80,
        };
        let summary = JobsSummary {
            queued,
            held,
            ..JobsSummary::default()
        };
        warnings(&summary, &RecentOutcomes { sent, failed }, settings)
    }

    #[test]
    fn no_warnings_within_the_limits() {
        assert_eq!(warned(0, 0, 0, 0), []);
        assert_eq!(warned(50, 1_000, 8, 2), []);
    }

    #[test]
    fn held_mails_are_not_pending() {
        assert_eq!(warned(51, 0, 0, 0), [Warning::ManyPending(51)]);
        assert_eq!(warned(0, 51, 0, 0), []);
    }

    #[test]
    fn failures_and_a_low_success_rate_are_separate_warnings() {
        assert_eq!(warned(0, 0, 100, 3), [Warning::Failures(3)]);
        assert_eq!(warned(0, 0, 0, 3), [Warning::Failures(3)]);
        assert_eq!(
            warned(0, 0, 7, 3),
            [Warning::Failures(3), Warning::LowSuccessRate(70)]
        );
    }
}
