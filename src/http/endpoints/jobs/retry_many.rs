//! `POST /jobs/retry`

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::filter::JobsFilter;
use super::many::{Acted, acted, each, select};
use crate::domain::email::EmailCommand;
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{IdempotencyKey, Json};
use crate::http::idempotency::{Request, once};
use crate::http::{Answer, ApiError, Caller, HttpState};

/// Which mails are tried again: give `ids` or `filter`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "filter": { "state": "failed", "from": "2026-11-21T00:00:00Z" } }))]
pub struct RetryManyRequest {
    /// These jobs; 1–5,000 ids.
    #[serde(default)]
    ids: Option<Vec<Uuid>>,
    /// Or those that have failed or are of unknown outcome and meet all of this; the oldest 5,000. `{}` for all.
    #[serde(default)]
    filter: Option<JobsFilter>,
}

/// Try many mails again that have failed, or whose outcome nobody knows.
///
/// When this answers, all of them are queued again; `GET /jobs` shows what becomes of them. People may get a
/// mail of unknown outcome twice: choose with `state`.
#[utoipa::path(
    post, path = "/jobs/retry", request_body = RetryManyRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless")),
    responses(
        (status = 200, description = "Queued again; those that could not be are listed", body = Envelope<Acted>),
        (status = 400, description = "VALIDATION_ERROR: neither or both of ids and filter, too many ids, a filter that can't be meant", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    Json { value, sha256 }: Json<RetryManyRequest>,
) -> Result<Answer, ApiError> {
    let route = "POST /jobs/retry";
    let request = Request { caller: &caller, route, key, body_sha256: sha256, keep_answer: true };
    once(&http, request, async |command_id| {
        if value.ids.is_none() && value.filter.is_none() {
            return Err(ApiError::field("filter", "give ids or a filter; {} means all in error"));
        }
        let selected = select(&http, value.ids, value.filter.as_ref(), &["failed", "unknown"]).await?;
        let outcomes = each(&http, &caller, command_id, &selected.ids, &EmailCommand::Retry).await?;
        acted(outcomes, selected.more)
    })
    .await
}
