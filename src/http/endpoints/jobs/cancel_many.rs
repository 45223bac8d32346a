//! `POST /jobs/cancel`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::cancel::reason;
use super::filter::JobsFilter;
use super::many::{Acted, acted, each, select};
use crate::domain::email::EmailCommand;
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{IdempotencyKey, Json};
use crate::http::idempotency::{Request, once};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// What can be cancelled.
const STAGES: [&str; 6] = ["queued", "retrying", "held", "scheduled", "failed", "unknown"];

/// Which mails are called off: give `ids` or `filter`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "filter": { "batchId": "0b8f5c1e-9a77-4a51-8f0e-3c1d6f2b7e90", "state": "held,scheduled" },
    "reason": "wrong event name"
}))]
pub struct CancelManyRequest {
    /// These jobs; 1–5,000 ids.
    #[serde(default)]
    ids: Option<Vec<Uuid>>,
    /// Or those that can be cancelled and meet all of this; the oldest 5,000. `{}` for all.
    #[serde(default)]
    filter: Option<JobsFilter>,
    /// Why; at most 500 characters.
    #[serde(default)]
    reason: Option<String>,
}

/// Call many mails off that were not sent.
///
/// A mail that is being handed to the mail server in this moment can't be called back, nor one that was sent;
/// those are listed if they were named.
#[utoipa::path(
    post, path = "/jobs/cancel", request_body = CancelManyRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless")),
    responses(
        (status = 200, description = "Cancelled; those that could not be are listed", body = Envelope<Acted>),
        (status = 400, description = "VALIDATION_ERROR: neither or both of ids and filter, too many ids, a filter that can't be meant, a long reason", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Json { value, sha256 }: Json<CancelManyRequest>,
) -> Result<Answer, ApiError> {
    let route = "POST /jobs/cancel";
    let request = Request { caller: &caller, route, key, body_sha256: sha256, keep_answer: true };
    once(&http, request, async |command_id| {
        if value.ids.is_none() && value.filter.is_none() {
            return Err(ApiError::field("filter", "give ids or a filter; {} means all that were not sent"));
        }
        let cancel = EmailCommand::Cancel { reason: reason(value.reason)? };
        let selected = select(&http, value.ids, value.filter.as_ref(), &STAGES).await?;
        acted(each(&http, &caller, command_id, &selected.ids, &cancel).await?, selected.more)
    })
    .await
}
