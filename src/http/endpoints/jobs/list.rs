//! `GET /jobs`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::JobAnswer;
use super::filter::JobsFilter;
use super::summary::SummaryAnswer;
use crate::http::answer::ListMeta;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{Direction, Listing, Query, Sorting};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs::{self, JobFilter, JobRow};
use crate::projection::queries::listing::SortKey;

/// Which jobs, in which order: those that meet all that is given.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobsQuery {
    /// Where to go on: `meta.nextCursor` of the page before. It counts for the same filters, sort and order.
    cursor: Option<String>,
    /// Which page, from 1, instead of a cursor; `meta.total` is told then. Pages end at entry 10,000, cursors don't.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Entries per page; 50 if absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// What to sort by; `createdAt` if absent.
    #[param(inline)]
    sort: Option<JobSort>,
    /// Which way round; from the latest if absent.
    #[param(inline)]
    order: Option<Direction>,
    /// Words that the recipient's name or address contain, whatever the case and accents.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Of this status: `pending`, `sent`, `error` or `cancelled`.
    status: Option<String>,
    /// In this state: `queued`, `claimed`, `retrying`, `sent`, `failed`, `unknown`, `held`, `scheduled` or
    /// `cancelled`; several with commas.
    state: Option<String>,
    /// About generated certificates of this certificate.
    certificate_id: Option<Uuid>,
    /// About generated certificates that this batch made.
    batch_id: Option<Uuid>,
    /// About this generated certificate; also spelled `issuanceId`.
    #[serde(alias = "issuanceId")]
    generated_certificate_id: Option<Uuid>,
    /// Queued at this time (RFC 3339) or later.
    from: Option<String>,
    /// Queued before this time (RFC 3339).
    to: Option<String>,
}

/// What jobs can be sorted by.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum JobSort {
    /// The order in which they were queued.
    CreatedAt,
    /// The order of their last change.
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

/// A page of jobs and how many there are in all.
#[derive(Serialize, ToSchema)]
pub struct JobsPage {
    /// Always true.
    success: bool,
    /// The page.
    data: Vec<JobAnswer>,
    /// Where the next page starts, and the counts.
    meta: JobsMeta,
}

/// Where the next page starts, and the counts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobsMeta {
    /// Where the next page starts.
    #[serde(flatten)]
    list: ListMeta,
    /// All jobs, whatever the filter.
    summary: SummaryAnswer,
}

/// Jobs, newest first where nothing else is said, and how many there are in all.
#[utoipa::path(
    get, path = "/jobs", params(JobsQuery),
    responses(
        (status = 200, description = "A page", body = JobsPage),
        (status = 400, description = "VALIDATION_ERROR: a parameter is unknown or out of range, or the cursor is of another list", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    Query(query): Query<JobsQuery>,
) -> Result<Answer, ApiError> {
    let JobsQuery { cursor, page, limit, sort, order, .. } = query;
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
    answer(&http, Listing { cursor, page, limit, sort, order }, filter.checked()?).await
}

pub(super) async fn answer(
    http: &HttpState,
    listing: Listing<JobSort>,
    filter: JobFilter,
) -> Result<Answer, ApiError> {
    let (rows, list) = listing.read::<JobRow>(http, &jobs::TABLE, filter.conditions()).await?;
    let shown = rows.into_iter().map(JobAnswer::from).collect::<Vec<_>>();
    let summary = jobs::summary(&http.database().await?).await?.into();
    Answer::list(&shown, &JobsMeta { list, summary })
}
