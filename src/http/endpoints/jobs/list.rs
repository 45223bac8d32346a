//! `GET /jobs`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::JobAnswer;
use crate::http::endpoints::rfc3339;
use crate::http::extract::{Paging, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs::{self, JobsSummary};

const STATUSES: [&str; 3] = ["pending", "sent", "error"];

/// Which jobs.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobsQuery {
    /// Where to go on: `meta.nextCursor` of the page before.
    cursor: Option<String>,
    /// Entries per page, 1–200; 50 if absent.
    limit: Option<u32>,
    /// Of this status: `pending`, `sent` or `error`.
    status: Option<String>,
    /// About this generated certificate.
    generated_certificate_id: Option<Uuid>,
}

/// A page of jobs and how many there are in all.
#[derive(Serialize, ToSchema)]
pub struct JobsPage {
    /// Always true.
    success: bool,
    /// The page, newest first.
    data: Vec<JobAnswer>,
    /// Where the next page starts, and the counts.
    meta: JobsMeta,
}

/// Where the next page starts, and the counts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobsMeta {
    /// Give it as `cursor` to get the next page; null on the last one.
    next_cursor: Option<String>,
    /// The most entries that a page has.
    limit: u32,
    /// All jobs, whatever the filter.
    summary: SummaryAnswer,
}

/// How many jobs there are.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SummaryAnswer {
    /// All jobs.
    total: i64,
    /// Those that wait or are under way.
    pending: i64,
    /// Those that a server took.
    sent: i64,
    /// Those given up, or with an unknown outcome.
    error: i64,
    /// Sent of those that ended, in percent with two decimals; null before any ended.
    success_rate: Option<f64>,
    /// When a try was last begun (RFC 3339).
    last_processed: Option<String>,
}

impl From<JobsSummary> for SummaryAnswer {
    fn from(summary: JobsSummary) -> Self {
        let ended = summary.sent + summary.error;
        // Hundredths of a percent, rounded to the nearest; counts of jobs are far below 2^53.
        let hundredths = (ended > 0).then(|| (summary.sent * 10_000 + ended / 2) / ended);
        #[allow(clippy::cast_precision_loss, reason = "at most 10,000")]
        let success_rate = hundredths.map(|hundredths| hundredths as f64 / 100.0);
        Self {
            total: summary.total,
            pending: summary.pending,
            sent: summary.sent,
            error: summary.error,
            success_rate,
            last_processed: summary.last_processed.map(rfc3339),
        }
    }
}

/// Jobs, newest first, and how many there are in all.
#[utoipa::path(
    get, path = "/jobs", params(JobsQuery),
    responses((status = 200, description = "A page", body = JobsPage))
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<JobsQuery>,
) -> Result<Answer, ApiError> {
    let paging = Paging::of(query.cursor.as_deref(), query.limit)?;
    if query.status.as_ref().is_some_and(|status| !STATUSES.contains(&status.as_str())) {
        return Err(ApiError::field("status", format!("give one of {}", STATUSES.join(", "))));
    }
    page(&http, paging, query.status.as_deref(), query.generated_certificate_id).await
}

pub(super) async fn page(
    http: &HttpState,
    paging: Paging,
    status: Option<&str>,
    issuance: Option<Uuid>,
) -> Result<Answer, ApiError> {
    let database = http.database().await?;
    let listed = jobs::list(&database, paging.page(), status, issuance).await?;
    let summary = jobs::summary(&database).await?.into();
    let next_cursor = paging.meta(listed.next_cursor).next_cursor;
    let shown = listed.items.into_iter().map(JobAnswer::from).collect::<Vec<_>>();
    Answer::list(&shown, &JobsMeta { next_cursor, limit: paging.limit, summary })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_success_rate_counts_what_ended() {
        let rate = |pending, sent, error| {
            let total = pending + sent + error;
            SummaryAnswer::from(JobsSummary { total, pending, sent, error, last_processed: None })
                .success_rate
        };
        assert_eq!(rate(5, 0, 0), None);
        assert_eq!(rate(5, 2, 1), Some(66.67));
        assert_eq!(rate(0, 7, 0), Some(100.0));
        assert_eq!(rate(0, 0, 3), Some(0.0));
    }
}
