//! Release of held and scheduled jobs.

use std::time::Duration;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::many::{JobsFilter, RefusedJob, each, select};
use crate::domain::certification::mail::MailCommand;
use crate::http::protocol::answer::Envelope;
use crate::http::protocol::extract::Json;
use crate::http::protocol::idempotency::Repeatable;
use crate::http::protocol::waiting::Patience;
use crate::http::{Answer, ApiError, HttpState};
use crate::projection::queries::jobs;

/// Largest number of mails for whose outcomes the request waits.
const WAITED_FOR: usize = 100;
/// Longest time to wait for the outcomes.
const MAX_WAIT: Duration = Duration::from_secs(15);

/// Waiting mails to release. By default, all held mails are released.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({ "filter": { "batchId": ["0b8f5c1e-9a77-4a51-8f0e-3c1d6f2b7e90"] } }))]
pub struct ProcessPendingRequest {
    /// Ids of held or scheduled jobs, 1–5,000.
    ids: Option<Vec<Uuid>>,
    /// Filter of the held jobs to release. Of the jobs that meet it, at most the 5,000 oldest are
    /// selected.
    filter: Option<JobsFilter>,
    /// True to select scheduled jobs too. They are then sent before their time.
    #[serde(default)]
    include_scheduled: bool,
}

/// Outcomes of the released mails.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "released": 4, "processed": 3, "successful": 2, "failed": 1, "cancelled": 1, "pending": 0, "refused": 0,
    "refusals": [], "more": false
}))]
pub struct Processed {
    /// Number of mails that this request has released.
    released: usize,
    /// Released mails that were finished while the request waited. The sum of `successful` and
    /// `failed`.
    processed: i64,
    /// Released mails that a mail server accepted.
    successful: i64,
    /// Released mails that failed or have an unknown outcome.
    failed: i64,
    /// Released mails that were cancelled before they were sent, for example by a revocation.
    cancelled: i64,
    /// Released mails that are not finished yet, or wait for another attempt.
    pending: i64,
    /// Selected jobs that do not exist, or are neither held nor scheduled.
    refused: usize,
    /// The first 100 of the jobs that are counted in `refused`.
    refusals: Vec<RefusedJob>,
    /// True if more jobs meet the filter than one request handles. Send the request again for the
    /// others.
    more: bool,
}

/// Releases waiting mails.
///
/// Mails of certificates that were generated with `delivery: "held"` wait until this request
/// releases them. If the request releases at most 100 mails, it waits up to 15 seconds for their
/// outcomes. If all of them are finished then, the response is 200. Otherwise the response is 202,
/// and `Location` lists the unfinished mails. In both cases, the mails are sent in the background.
/// Mails with immediate delivery need no release and are not counted here.
#[utoipa::path(
    post, path = "/jobs/process-pending", request_body = Option<ProcessPendingRequest>,
    params(Repeatable),
    responses(
        (status = 200, description = "All released mails are finished, or none was released", body = Envelope<Processed>),
        (status = 202, description = "Released; some mails are not finished yet", body = Envelope<Processed>),
        (status = 422, description = "VALIDATION_ERROR: both `ids` and `filter`, too many ids, or an invalid filter"),
    )
)]
pub async fn process_pending_jobs(
    State(http): State<HttpState>,
    write: Repeatable,
    patience: Patience,
    body: Option<Json<ProcessPendingRequest>>,
) -> Result<Answer, ApiError> {
    let Json { value, sha256 } = body.unwrap_or_default();
    write
        .once(&http, sha256, async |context| {
            let states: &[&str] = if value.include_scheduled {
                &["held", "scheduled"]
            } else {
                &["held"]
            };
            let selected = select(&http, value.ids, value.filter.as_ref(), states).await?;
            let outcomes = each(&http, &context, &selected.ids, &MailCommand::Release).await?;
            let Ended {
                successful,
                failed,
                cancelled,
            } = ended(&http, &patience, &outcomes.done).await;
            let released = outcomes.done.len();
            let processed = successful + failed;
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
                let location = http.api_path("/jobs?state=queued&state=claimed&state=retrying");
                answer = answer
                    .accepted(location)
                    .message("some mails are not finished yet; see Location");
            }
            Ok(match outcomes.position {
                Some(position) => answer.at(position),
                None => answer,
            })
        })
        .await
}

/// Numbers of finished mails, by outcome.
#[derive(Clone, Copy, Default)]
struct Ended {
    successful: i64,
    failed: i64,
    cancelled: i64,
}

/// Waits at most [`MAX_WAIT`] until these mails are finished, and returns the number of mails per
/// outcome. Does not wait if there are more than [`WAITED_FOR`] mails, or if the client prefers
/// `respond-async`.
async fn ended(http: &HttpState, patience: &Patience, ids: &[Uuid]) -> Ended {
    if ids.is_empty() || ids.len() > WAITED_FOR {
        return Ended::default();
    }
    let look = || async move {
        let counted = jobs::stages_of(&http.database().await?, ids).await?;
        let count = |stages: &[&str]| -> i64 {
            counted
                .iter()
                .filter(|c| stages.contains(&c.stage.as_str()))
                .map(|c| c.count)
                .sum()
        };
        let successful = count(&["sent"]);
        let failed = count(&["failed", "unknown"]);
        let cancelled = count(&["cancelled"]);
        // The delay before another attempt is longer than this request may wait.
        let settled = successful + failed + cancelled + count(&["retrying"]);
        let ended = Ended {
            successful,
            failed,
            cancelled,
        };
        Ok((
            usize::try_from(settled).is_ok_and(|settled| settled == ids.len()),
            ended,
        ))
    };
    let ended = patience.look_until(http, MAX_WAIT, look).await;
    ended.unwrap_or_default()
}
