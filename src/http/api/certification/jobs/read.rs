//! Endpoints that show jobs.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::summary::SummaryAnswer;
use super::{JobAnswer, JobDetail};
use crate::domain::MailId;
use crate::http::protocol::answer::{Envelope, ListMeta};
use crate::http::protocol::extract::{ListQuery, Path};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs::{self, JobRow};

/// Returns one job with its attempts.
#[utoipa::path(
    get, path = "/jobs/{id}",
    responses(
        (status = 200, description = "The job", body = Envelope<JobDetail>),
    )
)]
pub async fn get_job(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = http.find::<JobRow>("job", id).await?;
    super::answer(&http, MailId(id), position(row.position)?).await
}

/// A page of jobs, and the numbers of all jobs.
#[derive(Serialize, ToSchema)]
pub struct JobsPage {
    /// Always true.
    success: bool,
    /// Jobs of the page.
    data: Vec<JobAnswer>,
    /// Paging information, and the numbers of all jobs.
    meta: JobsMeta,
}

/// Paging information, and the numbers of all jobs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobsMeta {
    /// Paging information.
    #[serde(flatten)]
    list: ListMeta,
    /// Numbers of all jobs, independent of the filter.
    summary: SummaryAnswer,
}

/// Lists jobs, together with the numbers of all jobs. The newest job comes first by default.
#[utoipa::path(
    get, path = "/jobs", params(ListQuery<JobRow>),
    responses(
        (status = 200, description = "A page", body = JobsPage),
    )
)]
pub async fn list_jobs(
    State(http): State<HttpState>,
    query: ListQuery<JobRow>,
) -> Result<Answer, ApiError> {
    answer(&http, query).await
}

async fn answer(http: &HttpState, query: ListQuery<JobRow>) -> Result<Answer, ApiError> {
    let (rows, list) = query.read(http).await?;
    let shown = rows.into_iter().map(JobAnswer::from).collect::<Vec<_>>();
    let summary = jobs::summary(&http.database().await?).await?.into();
    Answer::list(&shown, &JobsMeta { list, summary })
}

/// Lists jobs that wait or are being sent, including held and scheduled jobs. The newest job comes
/// first by default.
#[utoipa::path(
    get, path = "/jobs/pending", params(ListQuery<JobRow>),
    responses(
        (status = 200, description = "A page", body = JobsPage),
    )
)]
pub async fn list_pending_jobs(
    State(http): State<HttpState>,
    query: ListQuery<JobRow>,
) -> Result<Answer, ApiError> {
    answer(&http, query.restricted(jobs::pending)).await
}
