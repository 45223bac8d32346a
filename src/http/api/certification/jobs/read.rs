//! Endpoints that show jobs.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::filter::JobsFilter;
use super::summary::SummaryAnswer;
use super::{JobAnswer, JobDetail};
use crate::domain::MailId;
use crate::http::protocol::answer::{Envelope, ListMeta};
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::{Direction, ListQuery, Listing, Path, Query, Sorting};
use crate::http::protocol::position;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs;
use crate::projection::queries::jobs::{JobFilter, JobRow};
use crate::projection::queries::listing::SortKey;

/// Returns one job with its attempts.
#[utoipa::path(
    get, path = "/jobs/{id}", params(
        ("id" = Uuid, Path, description = "The job's id"),
    ),
    responses(
        (status = 200, description = "The job", body = Envelope<JobDetail>),
        (status = 404, description = "NOT_FOUND", body = ErrorEnvelope),
    )
)]
pub async fn get_job(
    State(http): State<HttpState>,
    Path(id): Path<Uuid>,
) -> Result<Answer, ApiError> {
    let row = jobs::get(&http.database().await?, id).await?;
    let row = row.ok_or_else(|| ApiError::not_found("job"))?;
    super::answer(&http, MailId(id), position(row.position)?).await
}

/// Query parameters of the list of jobs. An entry must meet all given filters.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobsQuery {
    /// Cursor of the page: `meta.nextCursor` of the page before. It is valid for the same filters,
    /// sort and order only.
    cursor: Option<String>,
    /// Number of the page, from 1, instead of a cursor. Adds `meta.total`. Pages end at entry
    /// 10,000, cursors do not.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Entries per page; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Sort key; `createdAt` if absent.
    #[param(inline)]
    sort: Option<JobSort>,
    /// Sort direction; latest first if absent.
    #[param(inline)]
    order: Option<Direction>,
    /// Words that the recipient's name or address contains. Case and accents are ignored.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Status: `pending`, `sent`, `error` or `cancelled`.
    status: Option<String>,
    /// State: `queued`, `claimed`, `retrying`, `sent`, `failed`, `unknown`, `held`, `scheduled` or
    /// `cancelled`. Several states are separated by commas.
    state: Option<String>,
    /// Only jobs about generated certificates of this certificate.
    certificate_id: Option<Uuid>,
    /// Only jobs about generated certificates that this batch created.
    batch_id: Option<Uuid>,
    /// Only jobs about this generated certificate; also named `issuanceId`.
    #[serde(alias = "issuanceId")]
    generated_certificate_id: Option<Uuid>,
    /// Queued at this time (RFC 3339) or later.
    from: Option<String>,
    /// Queued before this time (RFC 3339).
    to: Option<String>,
}

/// Sort keys of jobs.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum JobSort {
    /// Order of queueing.
    CreatedAt,
    /// Order of the last change.
    UpdatedAt,
}

impl Sorting for JobSort {
    fn key(self) -> SortKey {
        match self {
            Self::CreatedAt => jobs::BY_CREATION,
            Self::UpdatedAt => jobs::BY_CHANGE,
        }
    }
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

/// Lists jobs, newest first by default, with the numbers of all jobs.
#[utoipa::path(
    get, path = "/jobs", params(JobsQuery),
    responses(
        (status = 200, description = "A page", body = JobsPage),
    )
)]
pub async fn list_jobs(
    State(http): State<HttpState>,
    Query(query): Query<JobsQuery>,
) -> Result<Answer, ApiError> {
    let JobsQuery {
        cursor,
        page,
        limit,
        sort,
        order,
        ..
    } = query;
    let filter = JobsFilter {
        search: query.search,
        status: query.status,
        state: query.state,
        certificate_id: query.certificate_id,
        batch_id: query.batch_id,
        generated_certificate_id: query.generated_certificate_id,
        from: query.from,
        to: query.to,
    };
    answer(
        &http,
        Listing {
            cursor,
            page,
            limit,
            sort,
            order,
        },
        filter.checked()?,
    )
    .await
}

pub(super) async fn answer(
    http: &HttpState,
    listing: Listing<JobSort>,
    filter: JobFilter,
) -> Result<Answer, ApiError> {
    let (rows, list) = listing
        .read::<JobRow>(http, &jobs::TABLE, filter.conditions())
        .await?;
    let shown = rows.into_iter().map(JobAnswer::from).collect::<Vec<_>>();
    let summary = jobs::summary(&http.database().await?).await?.into();
    Answer::list(&shown, &JobsMeta { list, summary })
}

/// Lists jobs that wait or are being sent, including held and scheduled jobs; newest first by
/// default.
#[utoipa::path(
    get, path = "/jobs/pending", params(ListQuery),
    responses(
        (status = 200, description = "A page", body = JobsPage),
    )
)]
pub async fn list_pending_jobs(
    State(http): State<HttpState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, ApiError> {
    let filter = JobFilter {
        status: Some("pending".to_owned()),
        ..JobFilter::default()
    };
    super::read::answer(&http, query.listing(), filter).await
}
