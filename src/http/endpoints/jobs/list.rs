//! `GET /jobs`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::JobAnswer;
use super::filter::JobsFilter;
use super::summary::SummaryAnswer;
use crate::http::extract::{Paging, Query};
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs::{self, JobFilter};

/// Which jobs: those that meet all that is given.
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
    let JobsQuery { status, state, certificate_id, batch_id, generated_certificate_id, from, to, .. } = query;
    let filter = JobsFilter { status, state, certificate_id, batch_id, generated_certificate_id, from, to };
    page(&http, paging, &filter.checked()?).await
}

pub(super) async fn page(http: &HttpState, paging: Paging, filter: &JobFilter) -> Result<Answer, ApiError> {
    let database = http.database().await?;
    let listed = jobs::list(&database, paging.page(), filter).await?;
    let summary = jobs::summary(&database).await?.into();
    let next_cursor = paging.meta(listed.next_cursor).next_cursor;
    let shown = listed.items.into_iter().map(JobAnswer::from).collect::<Vec<_>>();
    Answer::list(&shown, &JobsMeta { next_cursor, limit: paging.limit, summary })
}
