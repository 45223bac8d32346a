//! `POST /jobs/retry`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::filter::JobsFilter;
use super::many::{Acted, acted, each, select};
use crate::domain::certification::mail::EmailCommand;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::protocol::idempotency::Repeatable;
use crate::http::{Answer, ApiError, HttpState};

/// Mails to retry. Give `ids` or `filter`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "filter": { "state": "failed", "from": "2026-11-21T00:00:00Z" } }))]
pub struct RetryManyRequest {
    /// Ids of the jobs, 1–5,000.
    #[serde(default)]
    ids: Option<Vec<Uuid>>,
    /// Selects the failed and unknown jobs that meet this filter, at most the oldest 5,000. `{}` selects all.
    #[serde(default)]
    filter: Option<JobsFilter>,
}

/// Retries many mails that failed or have an unknown outcome.
///
/// The answer is sent after all mails are queued again; `GET /jobs` shows their outcomes. People may get a mail
/// with an unknown outcome twice. To avoid this, select only failed mails with the filter's `state`.
#[utoipa::path(
    post, path = "/jobs/retry", request_body = RetryManyRequest,
    params(Repeatable),
    responses(
        (status = 200, description = "Queued again; refused jobs are listed", body = Envelope<Acted>),
        (status = 400, description = "VALIDATION_ERROR: neither or both of `ids` and `filter`, too many ids, or an invalid filter", body = ErrorEnvelope),
    )
)]
pub async fn retry_jobs(
    State(http): State<HttpState>,
    write: Repeatable,
    Json { value, sha256 }: Json<RetryManyRequest>,
) -> Result<Answer, ApiError> {
    write
        .once(&http, sha256, async |command_id| {
            if value.ids.is_none() && value.filter.is_none() {
                return Err(ApiError::field("filter", "give ids or a filter; {} means all in error"));
            }
            let selected = select(&http, value.ids, value.filter.as_ref(), &["failed", "unknown"]).await?;
            let outcomes =
                each(&http, &write.caller, command_id, &selected.ids, &EmailCommand::Retry).await?;
            acted(outcomes, selected.more)
        })
        .await
}
