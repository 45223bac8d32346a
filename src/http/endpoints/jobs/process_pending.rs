//! `POST /jobs/process-pending`

use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::filter::JobsFilter;
use super::many::{RefusedJob, each, select};
use crate::domain::email::EmailCommand;
use crate::http::answer::Envelope;
use crate::http::api_error::ErrorEnvelope;
use crate::http::extract::{IdempotencyKey, Json};
use crate::http::idempotency::{Request, once};
use crate::http::{Answer, ApiError, Caller, HttpState};
use crate::projection::queries::jobs;

/// The outcomes of at most so many mails are waited for.
const WAITED_FOR: usize = 100;
/// How long they are waited for at the most.
const MAX_WAIT: Duration = Duration::from_secs(15);

/// Which waiting mails go out now; all held ones if nothing is said.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "filter": { "batchId": "0b8f5c1e-9a77-4a51-8f0e-3c1d6f2b7e90" } }))]
pub struct ProcessPendingRequest {
    /// These jobs, held or scheduled; 1–5,000 ids.
    #[serde(default)]
    ids: Option<Vec<Uuid>>,
    /// Or those that meet all of this; the oldest 5,000.
    #[serde(default)]
    filter: Option<JobsFilter>,
    /// Also scheduled ones of the filter, before their time.
    #[serde(default)]
    include_scheduled: bool,
}

/// What became of the mails that were released.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "released": 4, "processed": 3, "successful": 2, "failed": 1, "cancelled": 1, "pending": 0, "refused": 0,
    "refusals": [], "more": false
}))]
pub struct Processed {
    /// Mails that this call let go.
    released: usize,
    /// Those of them that came to an end while we waited: successful and failed.
    processed: i64,
    /// Those that a mail server took.
    successful: i64,
    /// Those that were given up, or are of unknown outcome.
    failed: i64,
    /// Those that were cancelled before they were sent, such as by a revocation.
    cancelled: i64,
    /// Those that are still under way, or wait for another try.
    pending: i64,
    /// Jobs that were named but are not held or scheduled, or don't exist.
    refused: usize,
    /// The first hundred of them.
    refusals: Vec<RefusedJob>,
    /// Whether more jobs meet the filter than one call takes; call again.
    more: bool,
}

/// Let waiting mails go.
///
/// Mails that were generated with `delivery: "held"` wait for this. Where up to 100 are released, their
/// outcomes are waited for, 15 seconds at the most (200 if all came to an end); where more are, or some are
/// still under way then, the answer is 202, and `Location` lists those under way. Either way the mails go out
/// by themselves. Mails that don't wait for anybody need no such call and are not counted here.
#[utoipa::path(
    post, path = "/jobs/process-pending", request_body = Option<ProcessPendingRequest>,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending it again harmless")),
    responses(
        (status = 200, description = "All that were released came to an end, or none was", body = Envelope<Processed>),
        (status = 202, description = "Released; some are still under way", body = Envelope<Processed>),
        (status = 400, description = "VALIDATION_ERROR: both ids and a filter, too many ids, a filter that can't be meant", body = ErrorEnvelope),
        (status = 422, description = "IDEMPOTENCY_KEY_REUSED", body = ErrorEnvelope),
    )
)]
pub async fn handle(
    State(http): State<HttpState>,
    caller: Caller,
    key: IdempotencyKey,
    body: Option<Json<ProcessPendingRequest>>,
) -> Result<Answer, ApiError> {
    let Json { value, sha256 } = body.unwrap_or_default();
    let route = "POST /jobs/process-pending";
    let request = Request { caller: &caller, route, key, body_sha256: sha256, keep_answer: true };
    once(&http, request, async |command_id| {
        let stages: &[&str] = if value.include_scheduled { &["held", "scheduled"] } else { &["held"] };
        let selected = select(&http, value.ids, value.filter.as_ref(), stages).await?;
        let outcomes = each(&http, &caller, command_id, &selected.ids, &EmailCommand::Release).await?;
        let Ended { successful, failed, cancelled } = ended(&http, &outcomes.done).await?;
        let (released, processed) = (outcomes.done.len(), successful + failed);
        let pending = i64::try_from(released).unwrap_or(i64::MAX) - processed - cancelled;
        let processed = Processed {
            released,
            processed,
            successful,
            failed,
            cancelled,
            pending,
            refused: outcomes.refused,
            refusals: outcomes.refusals,
            more: selected.more,
        };
        let mut answer = Answer::ok(&processed)?;
        if pending > 0 {
            let location = http.api_path("/jobs?state=queued,claimed,retrying");
            answer = answer.accepted(location).message("some are still under way; see Location");
        }
        Ok(match outcomes.position {
            Some(position) => answer.at(position),
            None => answer,
        })
    })
    .await
}

/// Mails that came to an end, by outcome.
#[derive(Clone, Copy, Default)]
struct Ended {
    successful: i64,
    failed: i64,
    cancelled: i64,
}

/// Waits until these mails came to an end, for at most [`MAX_WAIT`], and counts the outcomes.
async fn ended(http: &HttpState, ids: &[Uuid]) -> Result<Ended, ApiError> {
    if ids.is_empty() || ids.len() > WAITED_FOR {
        return Ok(Ended::default());
    }
    let look = || async move {
        let counted = jobs::stages_of(&http.database().await?, ids).await?;
        let count = |stages: &[&str]| -> i64 {
            counted.iter().filter(|c| stages.contains(&c.stage.as_str())).map(|c| c.count).sum()
        };
        let (successful, failed) = (count(&["sent"]), count(&["failed", "unknown"]));
        let cancelled = count(&["cancelled"]);
        // A mail that waits for another try does so for longer than this call.
        let settled = successful + failed + cancelled + count(&["retrying"]);
        let ended = Ended { successful, failed, cancelled };
        Ok((usize::try_from(settled).is_ok_and(|settled| settled == ids.len()), ended))
    };
    http.look_until(MAX_WAIT, look).await
}
