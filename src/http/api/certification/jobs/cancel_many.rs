//! `POST /jobs/cancel`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::cancel::reason;
use super::filter::JobsFilter;
use super::many::{Acted, acted, each, select};
use crate::domain::certification::mail::EmailCommand;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::api_error::ErrorEnvelope;
use crate::http::protocol::extract::Json;
use crate::http::protocol::idempotency::Repeatable;
use crate::http::{Answer, ApiError, HttpState};

/// States in which a job can be cancelled.
const STAGES: [&str; 6] = ["queued", "retrying", "held", "scheduled", "failed", "unknown"];

/// Mails to cancel. Give `ids` or `filter`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "filter": { "batchId": "0b8f5c1e-9a77-4a51-8f0e-3c1d6f2b7e90", "state": "held,scheduled" },
    "reason": "wrong event name"
}))]
pub struct CancelManyRequest {
    /// Ids of the jobs, 1–5,000.
    #[serde(default)]
    ids: Option<Vec<Uuid>>,
    /// Selects the jobs that can be cancelled and meet this filter, at most the oldest 5,000. `{}` selects all.
    #[serde(default)]
    filter: Option<JobsFilter>,
    /// Reason, at most 500 characters.
    #[serde(default)]
    reason: Option<String>,
}

/// Cancels many unsent mails.
///
/// A mail that was sent, or is being sent at this moment, cannot be cancelled. If `ids` names such mails, the answer
/// lists them.
#[utoipa::path(
    post, path = "/jobs/cancel", request_body = CancelManyRequest,
    params(Repeatable),
    responses(
        (status = 200, description = "Cancelled; refused jobs are listed", body = Envelope<Acted>),
        (status = 400, description = "VALIDATION_ERROR: neither or both of `ids` and `filter`, too many ids, an invalid filter, or a reason that is too long", body = ErrorEnvelope),
    )
)]
pub async fn cancel_jobs(
    State(http): State<HttpState>,
    write: Repeatable,
    Json { value, sha256 }: Json<CancelManyRequest>,
) -> Result<Answer, ApiError> {
    write
        .once(&http, sha256, async |command_id| {
            if value.ids.is_none() && value.filter.is_none() {
                return Err(ApiError::field(
                    "filter",
                    "give ids or a filter; {} means all that were not sent",
                ));
            }
            let cancel = EmailCommand::Cancel { reason: reason(value.reason)? };
            let selected = select(&http, value.ids, value.filter.as_ref(), &STAGES).await?;
            acted(each(&http, &write.caller, command_id, &selected.ids, &cancel).await?, selected.more)
        })
        .await
}
