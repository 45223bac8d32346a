//! Numbers of jobs, by status and state.

use serde::Serialize;
use utoipa::ToSchema;

use crate::http::protocol::timestamp::Timestamp;
use crate::projection::queries::jobs::JobsSummary;

/// Numbers of all jobs, independent of the filter.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SummaryAnswer {
    /// Number of all jobs: the sum of `pending`, `sent`, `error` and `cancelled`.
    #[schema(example = 152)]
    total: i64,
    /// Jobs that wait or are being sent.
    #[schema(example = 5)]
    pending: i64,
    /// Jobs that a mail server accepted.
    #[schema(example = 140)]
    sent: i64,
    /// Jobs that failed or have an unknown outcome.
    #[schema(example = 5)]
    error: i64,
    /// Cancelled jobs. They are not counted in `error`.
    #[schema(example = 2)]
    cancelled: i64,
    /// Percentage of `sent` in the sum of `sent` and `error`, with two decimals. Cancelled jobs are
    /// ignored. Null if the sum is 0.
    #[schema(example = 96.55)]
    success_rate: Option<f64>,
    /// Start of the last attempt (RFC 3339).
    #[schema(example = "2026-11-21T12:00:00Z")]
    last_processed: Option<Timestamp>,
    /// Numbers by state.
    by_state: StatesAnswer,
}

/// Numbers of jobs in each state.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "queued": 1, "claimed": 1, "retrying": 1, "sent": 140, "failed": 4, "unknown": 1, "held": 1,
    "scheduled": 1, "cancelled": 2
}))]
pub struct StatesAnswer {
    /// Jobs that wait for a worker.
    queued: i64,
    /// Jobs that a worker is sending.
    claimed: i64,
    /// Jobs that wait for another attempt.
    retrying: i64,
    /// Jobs that a mail server accepted.
    sent: i64,
    /// Failed jobs.
    failed: i64,
    /// Jobs with an unknown outcome.
    unknown: i64,
    /// Jobs that wait until they are released.
    held: i64,
    /// Jobs that wait for their scheduled time.
    scheduled: i64,
    /// Cancelled jobs.
    cancelled: i64,
}

impl From<JobsSummary> for SummaryAnswer {
    fn from(summary: JobsSummary) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "at most 10,000")]
        let success_rate = summary
            .success_hundredths()
            .map(|hundredths| hundredths as f64 / 100.0);
        Self {
            total: summary.total,
            pending: summary.pending(),
            sent: summary.sent,
            error: summary.error(),
            cancelled: summary.cancelled,
            success_rate,
            last_processed: summary.last_processed.map(Timestamp),
            by_state: StatesAnswer {
                queued: summary.queued,
                claimed: summary.claimed,
                retrying: summary.retrying,
                sent: summary.sent,
                failed: summary.failed,
                unknown: summary.unknown,
                held: summary.held,
                scheduled: summary.scheduled,
                cancelled: summary.cancelled,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_rate_counts_only_sent_and_failed_jobs() {
        let rate = |held, sent, failed, cancelled| {
            let total = held + sent + failed + cancelled;
            let summary = JobsSummary {
                total,
                held,
                sent,
                failed,
                cancelled,
                ..JobsSummary::default()
            };
            let answer = SummaryAnswer::from(summary);
            assert_eq!(
                answer.pending + answer.sent + answer.error + answer.cancelled,
                answer.total
            );
            assert_eq!((answer.error, answer.cancelled), (failed, cancelled));
            answer.success_rate
        };
        assert_eq!(rate(5, 0, 0, 9), None);
        assert_eq!(rate(5, 2, 1, 0), Some(66.67));
        assert_eq!(rate(0, 7, 0, 3), Some(100.0));
        assert_eq!(rate(0, 0, 3, 0), Some(0.0));
    }
}
